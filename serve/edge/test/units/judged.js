// Answers that are stored gzip-encoded, and damaged: what is sent inflates to what was
// asked for, or nothing is sent.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";

import { Assembly } from "../../router/catalog.js";
import { StoreError } from "../../router/errors.js";
import { handle } from "../../router/handler.js";
import { ask, bytes, digest, documentOf, gzip, registry, summaryOf } from "./registry.js";

const page = `<!doctype html><title>index</title>${"x".repeat(100)}`;
const pages = JSON.stringify({ script: "sha256-abc=", pages: { "": digest(page) }, packages: {} });
const GZIP = { "accept-encoding": "gzip" };
const make = () => registry({ a: [{ version: "1.0.0" }] }, { head: { site: digest(pages) } });

/** The keys of answers, which are what a client without gzip gets. */
const plain = make();
const site = `responses/${digest(pages)}.page`;
plain.objects.set(site, bytes(pages));
plain.objects.set(`responses/${digest(page)}.page`, bytes(page));
/** @type {Record<string, string>} a target and what it names */
const targets = { "/package/a/1.0.0/": ".json", "/search": ".json", "/categories": ".json", "/catalog/": ".page" };

for (const [target, suffix] of Object.entries(targets)) {
  const want = await ask(plain.site, target);
  assert.equal(want.status, 200, target);
  const key = `responses/${want.headers.etag.replaceAll('"', "")}${suffix}.gz`;
  const { site: of, objects, store } = make();
  objects.set(site, bytes(pages));
  const sound = gzip(want.body);
  const get = async (/** @type {Uint8Array} */ stored) => {
    objects.set(key, stored);
    return ask(of, target, GZIP);
  };
  const got = await get(sound);
  assert.deepEqual([got.status, got.headers["content-encoding"], got.data], [200, "gzip", sound], target);
  assert.equal(got.headers["content-length"], String(sound.length), target);

  // Changed at equal length, at every place. Some bits, as those of the date, mean nothing.
  let refused = 0;
  for (let i = 0; i < sound.length; i++) {
    const damaged = sound.slice();
    damaged[i] ^= 1 << (i & 7);
    const what = `${target}: byte ${i} of ${sound.length}`;
    try {
      const { data } = await get(damaged);
      assert.deepEqual(gunzipSync(data), gunzipSync(sound), what);
    } catch (e) {
      assert.ok(e instanceof StoreError && e.message.startsWith(key), `${what}: ${e}`);
      refused++;
    }
  }
  assert.ok(refused >= sound.length - 10, `${target}: ${refused} of ${sound.length}`);
  for (const other of [
    gzip(want.body + " "),
    gzip(want.body.slice(1)),
    gzip(""),
    sound.subarray(0, sound.length - 1),
    sound.subarray(0, 12),
    sound.subarray(0, 0),
    bytes(want.body),
    Uint8Array.from([...sound, 0]),
  ])
    await assert.rejects(get(other), StoreError, `${target}: ${other.length} bytes instead of ${sound.length}`);
  // Of another content of that length only a search, whose key names what it selects, does not know.
  const another = gzip(want.body.slice(0, -1) + "!");
  if (target === "/search") assert.equal((await get(another)).status, 200);
  else await assert.rejects(get(another), new StoreError(`${key}: its content is another's`));

  // Nothing is read for HEAD, nor for a client that has it.
  store.log.length = 0;
  assert.equal((await ask(of, target, GZIP, "HEAD")).status, 200);
  assert.ok(store.log.includes(`stat ${key}`) && !store.log.some((l) => l.includes(`open ${key}`)), store.log.join());
}

// What is too large to be held streams as it is, whatever it is: stored, or inflated. So
// does what the store does not know the length of.
const document = documentOf("a", "1.0.0");
const key = `responses/${digest(document)}.json.gz`;
const large = make();
for (const content of [randomBytes((512 << 10) + 1).toString("latin1"), " ".repeat((1 << 20) + 1)]) {
  large.store.chunk = 1 << 16;
  const encoded = gzip(content);
  large.objects.set(key, encoded);
  assert.deepEqual((await ask(large.site, "/package/a/1.0.0/", GZIP)).data, encoded);
}
large.objects.set(key, gzip(" ".repeat(1 << 20)));
await assert.rejects(ask(large.site, "/package/a/1.0.0/", GZIP), new StoreError(`${key}: its content is another's`));
large.store.sizeOf = () => null;
assert.equal((await ask(large.site, "/package/a/1.0.0/", GZIP)).status, 200);

// A client without gzip gets a search inflated from 1 KiB on: it is stored in no other form.
const head = {
  categories: [{ id: "c", title: "C" }],
  templates: [null, [{ categories: ["c"] }, { categories: null }]],
};
/**
 * A registry whose only search has so many bytes, and what lies where.
 * @param {number} size
 * @param {string} [query] of the search
 */
async function searching(size, query = "") {
  const summary = summaryOf("a", "1.0.0") + " ".repeat(size - 5 - summaryOf("a", "1.0.0").length);
  const of = registry({ a: [{ version: "1.0.0", template: 1, summary }] }, { head, blockWidth: 4 });
  const target = `/search${query}`;
  const { headers } = await ask(of.site, target, { "if-none-match": "*", "accept-encoding": "gzip" });
  const key = `responses/${headers.etag.slice(1, 33)}.json`;
  of.store.log.length = 0;
  const [part] = of.objects.keys();
  return { ...of, key, part, target, content: `[\n${summary}\n]\n` };
}
for (const [size, query, before] of /** @type {[number, string, (key: string) => string[]][]} */ ([
  [1023, "", (key) => [`open ${key}`]],
  [1024, "", (key) => [`read ${key}.gz`]],
  [1 << 20, "", (key) => [`read ${key}.gz`]],
  [(1 << 20) + 1, "", (key) => [`open ${key}`]],
  // Of entries that are cut it is not known how long they are.
  [1023, "?category=c", (key) => [`open ${key}`]],
  [1024, "?category=c", (key) => [`read ${key}.gz`, `open ${key}`]],
])) {
  const { site: of, store, key, part, target, content } = await searching(size, query);
  const got = await ask(of, target);
  assert.deepEqual([got.status, got.body], [200, content], `${target}, ${size} bytes`);
  assert.deepEqual(store.log, [...before(key), `read ${part}`], `${target}, ${size} bytes`);
}
for (const query of ["", "?category=c"]) {
  const { site: of, store, objects, key, target, content } = await searching(1024, query);
  const put = (/** @type {string} */ text) => void objects.set(`${key}.gz`, gzip(text));
  put(content);
  const got = await ask(of, target);
  assert.deepEqual([got.body, got.headers["content-length"], got.headers.etag.length], [content, "1024", 34]);
  assert.equal(got.headers["content-encoding"], undefined);
  assert.deepEqual(store.log, [`read ${key}.gz`]);
  store.log.length = 0;
  assert.equal((await ask(of, target, {}, "HEAD")).headers["content-length"], "1024");
  assert.deepEqual(store.log, query ? [`read ${key}.gz`] : []);
  objects.set(`${key}.gz`, gzip(content).subarray(1));
  await assert.rejects(ask(of, target), new StoreError(`${key}.gz: it is not gzip-encoded`));
  put(content + " ");
  if (query) assert.equal((await ask(of, target)).body, content + " ");
  else await assert.rejects(ask(of, target), new StoreError(`${key}.gz: 1025 bytes, want 1024`));
  // More than is inflated: what is put together says less, and is right.
  put(" ".repeat((1 << 20) + 1));
  assert.equal((await ask(of, target)).body, content);
  // An export has it plain.
  const { body } = await handle({ method: "GET", target, headers: { get: () => null } }, { ...of, exported: true });
  assert.ok(body[0] instanceof Assembly);
  objects.set(key, bytes(content));
  store.log.length = 0;
  assert.equal((await ask({ ...of, exported: true }, target)).body, content);
  assert.deepEqual(store.log, [`open ${key}`]);
}
