// Pages of the catalogue for people: addresses, types, policies, what is missing.

import assert from "node:assert/strict";

import { StoreError } from "../../router/errors.js";
import { ask, bytes, digest, gzip, registry } from "./registry.js";

const page = (/** @type {string} */ name) => `<!doctype html><title>${name}</title>${"x".repeat(100)}`;
const list = JSON.stringify({ versions: [{ version: "1.0.0", page: digest(page("1.0.0")) }] });
const pages = {
  script: "sha256-abc=",
  pages: {
    "": digest(page("index")),
    "-/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.css": digest(page("css")),
    "-/script.js": digest(page("js")),
    "-/packages.json": digest(page("packages")),
    "-/feed.xml": digest(page("feed")),
    "-/environment/": digest(page("environment")),
    "404 0": digest(page("missing")),
    "404 2": digest(page("missing below")),
  },
  packages: {
    a: { list: digest(list), pages: { "": digest(page("a")), "feed.xml": digest(page("feed of a")) } },
  },
};
const site1 = JSON.stringify(pages);

/** @param {object} [head] */
const catalogue = (head = { site: digest(site1) }) => {
  const r = registry({ a: [{ version: "1.0.0" }] }, { head });
  for (const name of [
    "index",
    "css",
    "js",
    "packages",
    "feed",
    "environment",
    "missing",
    "missing below",
    "a",
    "feed of a",
    "1.0.0",
  ])
    r.objects.set(`responses/${digest(page(name))}.page.gz`, gzip(page(name)));
  for (const json of [site1, list]) r.objects.set(`responses/${digest(json)}.page`, bytes(json));
  return r;
};
const { site, store, objects } = catalogue();
const GZIP = { "accept-encoding": "gzip" };
const BOTH = { "access-control-allow-origin": "*", "x-content-type-options": "nosniff", vary: "Accept-Encoding" };
const POLICY = {
  "content-security-policy":
    "default-src 'none'; img-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; script-src 'sha256-abc='; connect-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};
const HTML = "text/html; charset=utf-8";
for (const [path, name, type] of [
  ["", "index", HTML],
  ["-/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.css", "css", "text/css; charset=utf-8"],
  ["-/script.js", "js", "text/javascript; charset=utf-8"],
  ["-/packages.json", "packages", "application/json"],
  ["-/feed.xml", "feed", "application/atom+xml"],
  ["-/environment/", "environment", HTML],
  ["a/", "a", HTML],
  ["a/feed.xml", "feed of a", "application/atom+xml"],
  ["a/1.0.0/", "1.0.0", HTML],
]) {
  const plain = await ask(site, `/catalog/${path}`);
  const headers = {
    ...BOTH,
    ...(type === HTML ? POLICY : {}),
    "cache-control": "max-age=10, public",
    "content-type": type,
    "content-length": String(page(name).length),
    etag: `"${digest(page(name))}"`,
  };
  assert.deepEqual([plain.status, plain.headers, plain.body], [200, headers, page(name)], path);
  const encoded = await ask(site, `/catalog/${path}`, GZIP);
  const stored = gzip(page(name));
  const tag = `"${digest(page(name))}-gzip"`;
  assert.deepEqual(
    [encoded.headers, encoded.data],
    [{ ...headers, "content-encoding": "gzip", "content-length": String(stored.length), etag: tag }, stored],
    path,
  );
  for (const [request, status] of /** @type {[Record<string, string>, number][]} */ ([
    [{ ...GZIP, "if-none-match": tag }, 304],
    [{ ...GZIP, "if-none-match": headers.etag }, 200],
    [{ "if-none-match": headers.etag }, 304],
    [{ "if-match": '"x"' }, 412],
  ])) {
    assert.equal((await ask(site, `/catalog/${path}`, request)).status, status, path);
  }
}
const versions = await ask(site, "/catalog/a/versions.json");
assert.deepEqual([versions.body, versions.headers["content-type"]], [list, "application/json"]);

for (const [path, to] of [
  ["/catalog", "/catalog/"],
  ["/catalog?q=x", "/catalog/?q=x"],
  ["/catalog/a", "/catalog/a/"],
  ["/catalog/a/1.0.0", "/catalog/a/1.0.0/"],
  ["/catalog/a/style.css", "/catalog/a/style.css/"],
  ["/catalog/-/environment", "/catalog/-/environment/"],
  ["/catalog/a/other.json", "/catalog/a/other.json/"],
  ["/catalog/catalog/a", "/catalog/catalog/a/"],
]) {
  const moved = await ask(site, path);
  assert.deepEqual([moved.status, moved.headers.location], [301, to], path);
}

// What is not there: a page for those that ask for HTML, of the same depth; else a line of text.
const ERROR = { "access-control-allow-origin": "*", "cache-control": "max-age=0, private, no-store" };
for (const [path, name] of [
  ["x.css/", "missing below"],
  ["-/x.css", ""],
  ["x/", ""],
  ["x/y/", "missing below"],
  ["a/2.0.0/", "missing below"],
  ["a/1.0.0/x/", ""],
  ["a/1.0.0/x/y/", ""],
  ["feed.xml", "missing"],
  ["versions.json", "missing"],
  ["x/versions.json", ""],
  ["__proto__/", ""],
  ["a/__proto__/", "missing below"],
  ["a/constructor/", "missing below"],
  ["404 0/", ""],
]) {
  const depth = path.split("/").length - 1;
  const known = depth === 0 ? "missing" : depth === 2 ? "missing below" : "";
  assert.equal(known, path === "x.css/" ? "" : name, path);
  for (const accept of ["text/html", "application/xml, TEXT/HTML;q=0.9", "*/*", null]) {
    const got = await ask(site, `/catalog/${path.replace(" ", "%20")}`, accept ? { accept } : {});
    assert.equal(got.status, 404, path);
    if (known && accept && /html/i.test(accept)) {
      assert.equal(got.body, page(known), path);
      assert.deepEqual(got.headers, {
        ...ERROR,
        ...POLICY,
        "x-content-type-options": "nosniff",
        "content-type": HTML,
        "content-length": String(page(known).length),
        vary: "Accept, Accept-Encoding",
      });
    } else {
      assert.deepEqual(got.headers, {
        ...ERROR,
        "content-type": "text/plain; charset=utf-8",
        "content-length": "19",
        vary: "Accept, Accept-Encoding",
      });
      assert.equal(got.body, "404 page not found\n");
    }
  }
}
const zipped = await ask(site, "/catalog/x/y/", { accept: "text/html", ...GZIP, "if-none-match": "*" });
assert.deepEqual([zipped.status, zipped.headers["content-encoding"]], [404, "gzip"]);

// A snapshot without a catalogue, and one of which objects are missing or damaged.
assert.equal((await ask(catalogue({}).site, "/catalog/")).status, 404);
assert.equal((await ask(catalogue({}).site, "/catalog/a")).status, 404);
const lost = catalogue();
lost.objects.delete(`responses/${digest(site1)}.page`);
await assert.rejects(ask(lost.site, "/catalog/"), new StoreError(`responses/${digest(site1)}.page: is not there`));
const key = `responses/${digest(page("index"))}.page`;
for (const [name, target] of [
  [site1, "/catalog/"],
  [list, "/catalog/a/1.0.0/"],
]) {
  const other = catalogue();
  other.objects.set(`responses/${digest(name)}.page`, bytes(name.replace("0", "1")));
  const damaged = new StoreError(`responses/${digest(name)}.page: its content is another's`);
  await assert.rejects(ask(other.site, target), damaged);
}
objects.set(`${key}.gz`, gzip(page("another")));
await assert.rejects(ask(site, "/catalog/"), new StoreError(`${key}.gz: its content is another's`));
objects.set(`${key}.gz`, gzip(page("index")).subarray(0, 30));
await assert.rejects(ask(site, "/catalog/"));
objects.delete(`${key}.gz`);
await assert.rejects(ask(site, "/catalog/"), new StoreError(`${key}.gz: is not there`));
await assert.rejects(ask(site, "/catalog/", GZIP), new StoreError(`${key}.gz: is not there`));
// One that is stored as it is, is sent as it is.
objects.set(key, bytes(page("index")));
store.log.length = 0;
const asItIs = await ask(site, "/catalog/", GZIP);
assert.deepEqual([asItIs.body, asItIs.headers["content-encoding"]], [page("index"), undefined]);
assert.equal(asItIs.headers.etag, `"${digest(page("index"))}"`);
assert.deepEqual(store.log, [`open ${key}.gz`, `open ${key}`]);
store.log.length = 0;
const head = await ask(site, "/catalog/", {}, "HEAD");
assert.equal(head.headers["content-length"], String(page("index").length));
assert.deepEqual(store.log, [`stat ${key}`]);
