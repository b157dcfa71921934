// Routes and a catalog that are made up, to have something to ask.

import { toBytes } from "./bytes.js";
import { GZIP_SUFFIX, responseKey } from "./keys.js";
import { DIGEST, ROUTES_FORMAT } from "./table.js";

/** How many packages there are, and versions of each. */
const NAMES = 60;
const VERSIONS = 12;

/** The row whose document is there: package_123, 1.15.0. */
const DOCUMENT = 23 * VERSIONS + 5;

/** What stands before, between and after the versions in a summary. */
const TEXT = [
  '  {\n    "name": "package",\n    "title": "Package",\n    "version": "',
  '",\n    "description": "A package that is made up",\n    "path": "/package/package/',
  '"\n  }',
];

/**
 * A number of a column.
 * @param {number} n
 * @param {number} width in digits of base 64
 */
function digits(n, width) {
  const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let out = "";
  for (let i = width - 1; i >= 0; i--) out += all[(n >> (6 * i)) & 63];
  return out;
}

/**
 * One text for each of some numbers from 0 on.
 * @param {number} n
 * @param {(i: number) => string} text
 * @param {string} [separator]
 */
function join(n, text, separator = "") {
  return Array.from({ length: n }, (_, i) => text(i)).join(separator);
}

/** The version of a row: all are as long. */
const version = (/** @type {number} */ row) => `1.${10 + (row % VERSIONS)}.0`;

/** The block of a package. All are the same. */
function block() {
  const length = version(0).length;
  const offset = TEXT.map((_, i) => TEXT.slice(0, i).join("").length);
  const pool = TEXT.join("") + join(VERSIONS, version);
  const forms = [0, 1]; // that say the same
  const numbers = [VERSIONS, forms.length, forms.length * TEXT.length];
  for (let i = 0; i < VERSIONS; i++) numbers.push(i % forms.length, TEXT.join("").length + i * length, length);
  for (const form of forms) numbers.push((form + 1) * TEXT.length);
  for (const _ of forms) {
    TEXT.forEach((text, i) => numbers.push(offset[i], 2 * text.length + (i < TEXT.length - 1 ? 1 : 0)));
  }
  return toBytes("\x02" + numbers.map((n) => String.fromCharCode(n >> 8, n & 255)).join("") + pool);
}

/** A table, the one part of its catalog, a list of files, and a document's key. */
export function sample() {
  const rows = NAMES * VERSIONS;
  const one = block();
  const size = TEXT.join("").length + 2 * version(0).length;
  const ids = (/** @type {number} */ length) => join(rows, (i) => String(i).padStart(length, "0"));
  const columns = {
    names: join(NAMES, (i) => `package_${100 + i}`, " "),
    starts: join(NAMES, (i) => digits(i * VERSIONS, 3)),
    places: join(NAMES, (i) => digits(i * VERSIONS * (version(0).length + 1), 3)),
    blocks: join(NAMES, () => digits(one.length, 3)),
    versions: join(rows, version, " "),
    flags: join(rows, (i) => digits(i % 8 === 0 ? 12 : 0, 1)),
    kibana: join(rows, (i) => digits(1 + (i % 2), 2)),
    agent: join(rows, () => digits(1, 2)),
    spec: join(rows, (i) => digits(i % 2, 1)),
    type: join(rows, (i) => digits(i % 2, 1)),
    capability: join(rows, (i) => digits(i % 2, 1)),
    label: join(rows, (i) => digits(i % 3, 2)),
    template: join(rows, (i) => digits(i % 3, 2)),
    discovery: join(rows, () => digits(0, 1)),
    sizes: join(rows, () => digits(size, 2)),
    revisions: ids(20),
    documents: ids(DIGEST),
    summaries: ids(DIGEST),
  };
  const head = JSON.stringify({
    format: ROUTES_FORMAT,
    environment: "sample",
    service_version: "1.0.0",
    cache: { index: 1, content: 1 },
    catalog: [{ digest: "0".repeat(DIGEST), names: NAMES }],
    every: "0".repeat(DIGEST),
    categories: [
      { id: "a", title: "A" },
      { id: "b", title: "B", parent: "a" },
    ],
    constraints: [
      {},
      { release: [{ from: "8.0.0", to: "9.0.0" }] },
      { release: [{ from: "8.5.0" }], pre: [{ from: "8.6.0-a" }] },
    ],
    capabilities: [null, ["c"]],
    types: ["integration", "input"],
    specs: [
      { major: 1, minor: 0 },
      { major: 3, minor: 1 },
    ],
    labels: [null, ["a"], ["b"]],
    templates: [null, [{ categories: ["a"] }, { categories: null }], [{ categories: ["b"] }]],
    discoveries: [{}],
    packages: NAMES,
    lengths: Object.values(columns).map((text) => text.length),
  });
  const lines = Object.entries(columns).map(([name, text]) => `,\n"${name}":"${text}"`);
  const part = new Uint8Array(NAMES * one.length);
  for (let i = 0; i < NAMES; i++) part.set(one, i * one.length);
  return {
    routes: toBytes(head.slice(0, -1) + lines.join("") + "}\n"),
    part,
    contents: toBytes('{"format":1,"archive":{"size":1,"sha256":"00"},"files":[]}'),
    document: responseKey(columns.documents.slice(DOCUMENT * DIGEST, (DOCUMENT + 1) * DIGEST)) + GZIP_SUFFIX,
  };
}
