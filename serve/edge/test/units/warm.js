// What is done before there is a request: made-up routes that the router reads, and
// answers that are what they should be.

import assert from "node:assert/strict";

import { Lists } from "../../router/page.js";
import { Parts } from "../../router/parts.js";
import { sample } from "../../router/sample.js";
import { Table } from "../../router/table.js";
import { warmUp } from "../../router/warm.js";
import { ask, sha256, Store } from "./registry.js";

const { routes, part, contents, document } = sample();
const table = new Table(routes);
const store = new Store(new Map([[`responses/${table.head.catalog[0].digest}.part`, part]]));
store.objects.set(document, new Uint8Array(0));
store.sizeOf = (/** @type {string} */ key, /** @type {number} */ size) => (key === document ? null : size);
store.read = async (/** @type {string} */ key) =>
  key.endsWith("contents.json") ? contents : (store.objects.get(key) ?? null);
const inflate = () => assert.fail("nothing is inflated");
const site = {
  table,
  modified: "",
  bucket: store,
  parts: new Parts(store),
  lists: new Lists(store, sha256),
  inflate,
  sha256,
};

assert.equal(table.packages, 60);
assert.equal(table.rows, 720);
/** @param {string} query */
const found = async (query) => JSON.parse((await ask(site, `/search?${query}`)).body);
const all = await found("all=true&prerelease=true");
assert.equal(all.length, 720);
all.forEach((/** @type {any} */ entry, /** @type {number} */ row) => {
  const version = `1.${10 + (row % 12)}.0`;
  const description = "A package that is made up";
  assert.deepEqual(entry, {
    name: "package",
    title: "Package",
    version,
    description,
    path: `/package/package/${version}`,
  });
  assert.ok(table.find(`package_${100 + Math.floor(row / 12)}`, version) === row);
});
// Each query of the warm-up finds something, and leaves something out.
for (const [query, n] of /** @type {[string, number][]} */ ([
  ["kibana.version=8.5.0&prerelease=true", 60],
  ["kibana.version=8.6.0-SNAPSHOT&spec.min=1.0&spec.max=3.0&capabilities=c,d&type=input", 0],
  ["kibana.version=8.6.0&spec.min=1.0&spec.max=3.1&capabilities=c,d&type=input", 60],
  ["agent.version=8.5.0&category=b", 60],
  ["category=a&prerelease=true", 60],
  ["experimental=true&package=package_123", 1],
  ["all=true", 630],
])) {
  assert.equal((await found(query)).length, n, query);
}
const headers = { "accept-encoding": "gzip" };
assert.equal((await ask(site, "/package/package_123/1.15.0/", headers)).headers["content-encoding"], "gzip");
const zip = await ask(site, "/epr/package_123/package_123-1.15.0.zip", {}, "HEAD");
assert.equal(zip.headers["content-length"], "1");
await warmUp();
