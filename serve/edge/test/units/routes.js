// Whole replies of the API's routes: status, every header, body; and what a client
// gets when the store gives something else than was written.

import assert from "node:assert/strict";

import { plainError } from "../../router/answer.js";
import { cacheControl } from "../../router/cache.js";
import { StoreError } from "../../router/errors.js";
import { handle, refuse } from "../../router/handler.js";
import { ask, bytes, digest, documentOf, gzip, registry, summaryOf } from "./registry.js";

const SIGNED = 2;
/** @type {import("./registry.js").Packages} */
const packages = {
  a: [
    { version: "1.0.0", label: 1 },
    { version: "1.1.0-rc.1", flags: 12 },
  ],
  b_2: [{ version: "2.0.0+x", flags: SIGNED, template: 1 }],
};
const options = {
  head: {
    categories: [{ id: "c", title: "C" }],
    labels: [null, ["c"]],
    templates: [null, [{ categories: ["c"] }, { categories: null }]],
    service_version: 'v"1',
  },
};
const { site, store, objects } = registry(packages, options);
const OPEN = { "access-control-allow-origin": "*" };
const VARY = { vary: "Accept-Encoding" };
const JSON_TYPE = { "content-type": "application/json" };
/** @param {string} age */
const keep = (age) => ({ "cache-control": `max-age=${age}, public` });
/** @param {string} body */
const length = (body) => ({ "content-length": String(body.length) });
/** @param {string} body @param {string} [named] what it is named by */
const tagged = (body, named = body) => ({ ...length(body), etag: `"${digest(named)}"` });
const ERROR = {
  ...OPEN,
  "cache-control": "max-age=0, private, no-store",
  "content-type": "text/plain; charset=utf-8",
};

/** @type {[string, number, Record<string, string>, string][]} */
const table = [];
/** @param {string} target @param {number} status @param {string} message */
const error = (target, status, message) =>
  table.push([target, status, { ...ERROR, ...length(message + "\n") }, message + "\n"]);
/** @param {string} target @param {string} to @param {string} [body] */
const moved = (target, to, body) => {
  const type = { "content-type": "text/html; charset=utf-8" };
  table.push([
    target,
    301,
    {
      ...OPEN,
      ...(body === "" ? {} : type),
      location: to,
      ...length(body ?? `<a href="${to}">Moved Permanently</a>.\n\n`),
    },
    body ?? `<a href="${to}">Moved Permanently</a>.\n\n`,
  ]);
};

const index = '{\n  "service.name": "package-registry",\n  "service.version": "v\\"1"\n}\n';
for (const target of ["/", "/?x", "/index.json"])
  table.push([target, 200, { ...OPEN, ...JSON_TYPE, ...keep("10"), ...VARY, ...tagged(index) }, index]);
table.push(["/health", 200, { ...OPEN, "content-length": "0" }, ""]);

for (const [target, message] of [
  ["/x", "404 page not found"],
  ["/search/x", "404 page not found"],
  ["/package", "404 page not found"],
  ["/package/", "404 page not found"],
  ["/package/a", "404 page not found"],
  ["/package/a/", "404 page not found"],
  ["/package/a-b/1.0.0", "404 page not found"],
  ["/package/x/1.0.0/", "package revision not found"],
  ["/package/a/1.0.1/", "package revision not found"],
  ["/package/x/1.0.0/manifest.yml", "package revision not found"],
  ["/package/a-b/1.0.0/manifest.yml", "package revision not found"],
  ["/epr", "404 page not found"],
  ["/epr/a", "404 page not found"],
  ["/epr/a-1.0.0.zip", "404 page not found"],
  ["/epr/a/a-1.0.0.tar", "404 page not found"],
  ["/epr/a/1.0.0.zip", "404 page not found"],
  ["/epr/a/A-1.0.0.zip", "404 page not found"],
  ["/epr/a/b/a-1.0.0.zip", "404 page not found"],
  ["/epr/a/a-1.0.1.zip", "artifact not found"],
  ["/epr/a/x-1.0.0.zip", "artifact not found"],
  ["/epr/a/a-1.0.1.zip.sig", "signature file not found"],
  ["/epr/a/a-1.0.0.zip.sig", "signature file not found"],
  ["/artifacts", "404 page not found"],
  ["/artifacts/packages/x/a-1.0.0.zip", "404 page not found"],
  ["/artifacts/packages/a-1.0.1.zip", "artifact not found"],
  ["/artifacts/packages/a-1.0.0.zip.sig", "signature file not found"],
  ["/artifacts/other/a-1.0.0.zip", "404 page not found"],
  ["/artifacts/static/a-1.0.0", "404 page not found"],
  ["/artifacts/static/a/x", "404 page not found"],
  ["/artifacts/static/A-1.0.0/x", "404 page not found"],
  ["/artifacts/static/x-1.0.0/x", "package revision not found"],
  ["/catalog", "404 page not found"],
  ["/catalog/", "404 page not found"],
  ["/catalogue", "404 page not found"],
]) {
  error(target, 404, message);
}
for (const target of [
  "/package/a/1.0/",
  "/package/a/v1.0.0/",
  "/package/a/01.0.0/manifest.yml",
  "/epr/a/a-1.0.zip",
  "/epr/a/a-1.zip.sig",
  "/artifacts/packages/a-1.zip",
  "/artifacts/static/a-1/x",
])
  error(target, 400, "invalid package version");
error("/%", 400, "the URL is malformed");
error("/search?all=x", 400, "invalid 'all' query param: 'x'");
error("/categories?prerelease=x", 400, "invalid 'prerelease' query param: 'x'");

for (const [target, to] of [
  ["/search/", "/search"],
  ["/search/?a=b&c", "/search?a=b&amp;c"],
  ["/categories/", "/categories"],
  ["/health/", "/health"],
  ["/index.json/", "/index.json"],
  ["/favicon.ico/", "/favicon.ico"],
  ["/package/a/1.0.0", "/package/a/1.0.0/"],
  ["/package/a/x", "/package/a/x/"],
  ["/package/a/1.0.0/docs/", "/package/a/1.0.0/docs"],
  ["/package/a-b/1.0.0/", "/package/a-b/1.0.0"],
  ["/epr/a/a-1.0.0.zip/", "/epr/a/a-1.0.0.zip"],
  ["/epr/a/a-1.0.0.zip.sig/?x", "/epr/a/a-1.0.0.zip.sig?x"],
  ["/artifacts/packages/a-1.0.0.zip/", "/artifacts/packages/a-1.0.0.zip"],
  ["/artifacts/static/a-1.0.0/x/", "/artifacts/static/a-1.0.0/x"],
]) {
  moved(target, to.replaceAll("&amp;", "&"), `<a href="${to}">Moved Permanently</a>.\n\n`);
}
moved("/search/?x=\xc3\xa9", "/search?x=%c3%a9", '<a href="/search?x=\xc3\xa9">Moved Permanently</a>.\n\n');
moved("/search/?'\"<>", "/search?'\"<>", '<a href="/search?&#39;&#34;&lt;&gt;">Moved Permanently</a>.\n\n');
moved("//search?x", "/search?x", "");
moved("/a/../search", "/search", "");
moved("/package/a//1.0.0/", "/package/a/1.0.0/", "");

const documentA = documentOf("a", "1.0.0");
const documentB = documentOf("b_2", "2.0.0+x");
table.push(
  ["/package/a/1.0.0/", 200, { ...OPEN, ...JSON_TYPE, ...keep("10"), ...VARY, ...tagged(documentA) }, documentA],
  ["/package/b_2/2.0.0+x/", 200, { ...OPEN, ...JSON_TYPE, ...keep("10"), ...VARY, ...tagged(documentB) }, documentB],
);
/** @param {[string, string][]} entries */
const found = (...entries) => {
  const body = `[\n${entries.map(([name, version]) => summaryOf(name, version)).join(",\n")}\n]\n`;
  const name = `search 2\n${entries.map(([name, version]) => digest(summaryOf(name, version))).join("")}`;
  return { body, headers: { ...OPEN, ...JSON_TYPE, ...keep("600"), ...VARY, ...tagged(body, name) } };
};
const every = found(["a", "1.0.0"], ["a", "1.1.0-rc.1"], ["b_2", "2.0.0+x"]).body;
objects.set(`responses/${site.table.head.every}.json`, bytes(every));
const both = found(["a", "1.0.0"], ["b_2", "2.0.0+x"]);
const one = found(["a", "1.1.0-rc.1"]);
table.push(
  ["/search", 200, both.headers, both.body],
  ["/search?package=a&prerelease=true", 200, one.headers, one.body],
  ["/search?package=x", 200, { ...OPEN, ...JSON_TYPE, ...keep("600"), ...VARY, ...tagged("[]") }, "[]"],
  [
    "/search?all=true&prerelease=true",
    200,
    { ...OPEN, ...JSON_TYPE, ...keep("600"), ...VARY, ...length(every), etag: `"${site.table.head.every}"` },
    every,
  ],
);
for (const [target, body] of [
  ["/categories", '[\n  {\n    "id": "c",\n    "title": "C",\n    "count": 1\n  }\n]\n'],
  ["/categories?include_policy_templates=true", '[\n  {\n    "id": "c",\n    "title": "C",\n    "count": 3\n  }\n]\n'],
  ["/categories?all=true&prerelease=true", "[]\n"],
]) {
  table.push([target, 200, { ...OPEN, ...JSON_TYPE, ...keep("600"), ...VARY, ...tagged(body) }, body]);
}

for (const [target, status, headers, body] of table) {
  const got = await ask(site, target);
  assert.deepEqual({ status: got.status, headers: got.headers, body: got.body }, { status, headers, body }, target);
  const head = await ask(site, target, {}, "HEAD");
  assert.deepEqual({ status: head.status, headers: head.headers }, { status, headers }, `HEAD ${target}`);
  assert.deepEqual(head.pieces, [], `HEAD ${target}`);
  for (const method of ["POST", "PUT", "get", ""]) {
    if (target === "/%") continue;
    const other = await ask(site, target, {}, method);
    const refused = { ...ERROR, allow: "GET, HEAD", "content-length": "19" };
    assert.deepEqual([other.status, other.headers, other.body], [405, refused, "method not allowed\n"]);
  }
  const tag = headers.etag;
  if (!tag) continue;
  // RFC 9110: the client has it, in a list, weakly; or wants another one.
  for (const value of [tag, `"x", W/${tag}`, "*"]) {
    const kept = await ask(site, target, { "if-none-match": value });
    const { "content-type": _, "content-length": __, ...rest } = headers;
    assert.deepEqual([kept.status, kept.headers, kept.body], [304, rest, ""], target);
  }
  const changed = await ask(site, target, { "if-match": '"x"' });
  const text412 = "precondition failed\n";
  assert.deepEqual([changed.status, changed.headers, changed.body], [412, { ...ERROR, ...length(text412) }, text412]);
  // A date says nothing of what has none.
  assert.equal((await ask(site, target, { "if-modified-since": site.modified })).status, 200);
}
const icon = await ask(site, "/favicon.ico");
assert.deepEqual(icon.headers, {
  ...OPEN,
  ...keep("600"),
  "content-type": "image/x-icon",
  "content-length": String(icon.data.length),
  etag: `"${digest(icon.data)}"`,
});

// Where there are no versions there are none to show.
const none = registry({});
assert.equal((await ask(none.site, "/search?all=true&prerelease=true")).body, "[]");

// What a client may keep, by class and the environment's times.
for (const [name, want] of /** @type {[any, string[]][]} */ ([
  ["none", []],
  ["index", ["max-age=1", "public"]],
  ["content", ["max-age=2", "public"]],
  ["error", ["max-age=0", "private, no-store"]],
])) {
  assert.deepEqual(cacheControl({ index: 1, content: 2 }, name), want);
}
assert.deepEqual(plainError(400, "x", "none").body, bytes("x\n"));
const refused = refuse(503, "x", new Map([["retry-after", ["2"]]]));
assert.equal(refused.headers.get("retry-after")?.[0], "2");
assert.equal(refused.headers.get("content-length")?.[0], "2");

// Documents: damaged, absent, long. The one that is not what its name says is never sent.
const key = `responses/${digest(documentA)}.json`;
const get = () => ask(site, "/package/a/1.0.0/");
objects.set(key, bytes(documentA.replace("a", "b")));
await assert.rejects(get(), new StoreError(`${key}: its content is another's`));
objects.set(key, bytes(documentA + " "));
await assert.rejects(get(), StoreError);
objects.delete(key);
await assert.rejects(get(), new StoreError(`${key}: is not there`));
await assert.rejects(ask(site, "/package/a/1.0.0/", {}, "HEAD"), new StoreError(`${key}: is not there`));
objects.set(key, bytes(documentA));
store.log.length = 0;
await ask(site, "/package/a/1.0.0/", {}, "HEAD");
assert.deepEqual(store.log, [`stat ${key}`], "a HEAD reads nothing");

// Encoded: what is stored so is sent so, with a validator of its own.
const encoded = gzip(documentA);
const GZIP = { "accept-encoding": "gzip" };
assert.equal(
  (await ask(site, "/package/a/1.0.0/", GZIP)).headers["content-encoding"],
  undefined,
  "there is no variant",
);
objects.set(`${key}.gz`, encoded);
const zipped = await ask(site, "/package/a/1.0.0/", GZIP);
const zippedTag = `"${digest(documentA)}-gzip"`;
const zippedHeaders = {
  ...OPEN,
  ...JSON_TYPE,
  ...keep("10"),
  ...VARY,
  "content-encoding": "gzip",
  "content-length": String(encoded.length),
  etag: zippedTag,
};
assert.deepEqual([zipped.headers, zipped.data], [zippedHeaders, encoded]);
assert.deepEqual((await ask(site, "/package/a/1.0.0/", GZIP, "HEAD")).headers, zippedHeaders);
store.log.length = 0;
const held = await ask(site, "/package/a/1.0.0/", { ...GZIP, "if-none-match": zippedTag });
assert.deepEqual([held.status, held.headers.etag, held.headers["content-encoding"]], [304, zippedTag, undefined]);
assert.deepEqual(store.log, [], "who shows the validator needs no object");
assert.equal((await ask(site, "/package/a/1.0.0/", { ...GZIP, "if-match": zippedTag })).status, 200);
assert.equal(
  (await ask(site, "/package/a/1.0.0/", { ...GZIP, "if-none-match": `"${digest(documentA)}"` })).status,
  200,
);
assert.equal((await ask(site, "/package/a/1.0.0/", { "if-none-match": zippedTag })).status, 200);
const anything = await ask(site, "/package/a/1.0.0/", { ...GZIP, "if-none-match": " * " });
assert.deepEqual([anything.status, anything.headers.etag], [304, zippedTag], "it is there, and encoded");

// A search that is stored: of the length that the table says, or it fails.
const searchKey = `responses/${digest(`search 2\n${digest(summaryOf("a", "1.0.0"))}`)}.json`;
const stable = found(["a", "1.0.0"]);
objects.set(searchKey, bytes(stable.body));
store.log.length = 0;
assert.equal((await ask(site, "/search?package=a")).body, stable.body);
assert.deepEqual(store.log, [`open ${searchKey}`]);
store.log.length = 0;
await ask(site, "/search?package=a", {}, "HEAD");
assert.deepEqual(store.log, [`stat ${searchKey}`]);
store.sizeOf = () => null;
assert.equal((await ask(site, "/search?package=a")).headers["content-length"], String(stable.body.length));
assert.equal((await ask(site, "/search?package=a", {}, "HEAD")).headers["content-length"], undefined);
objects.set(searchKey, bytes(stable.body.slice(1)));
await assert.rejects(ask(site, "/search?package=a"), StoreError, "it ends early");
store.sizeOf = (/** @type {string} */ _, /** @type {number} */ size) => size;
const before = store.cancelled;
await assert.rejects(
  ask(site, "/search?package=a"),
  new StoreError(`${searchKey}: ${stable.body.length - 1} bytes, want ${stable.body.length}`),
);
assert.equal(store.cancelled, before + 1, "nobody reads on");
await assert.rejects(ask(site, "/search?package=a", {}, "HEAD"), StoreError);

// The length of an answer that is put together and cut is in HEAD as well.
const cut = await ask(site, "/search?category=c&package=b_2");
assert.equal(cut.headers["content-length"], undefined);
assert.equal(
  (await ask(site, "/search?category=c&package=b_2", {}, "HEAD")).headers["content-length"],
  String(cut.data.length),
);
// Every version is named without looking, and put together where it is not stored.
objects.delete(`responses/${site.table.head.every}.json`);
assert.equal((await ask(site, "/search?all=true&prerelease=true")).body, every);

// A document that is long is opened for the platform to send, once it was judged.
for (const [size, pieces] of /** @type {[number, number][]} */ ([
  [512 << 10, 0],
  [(512 << 10) + 1, 1],
])) {
  const long = registry({ a: [{ version: "1.0.0" }] });
  long.store.chunk = 1 << 16;
  const body = "x".repeat(size);
  long.site.table.document = () => digest(body);
  long.objects.set(`responses/${digest(body)}.json`, bytes(body));
  const reply = await handle({ method: "GET", target: "/package/a/1.0.0/", headers: { get: () => null } }, long.site);
  assert.equal(reply.body.filter((piece) => !(piece instanceof Uint8Array)).length, pieces, String(size));
  assert.equal(reply.headers.get("content-length")?.[0], String(size));
}
