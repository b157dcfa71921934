// Bodies and keys: stores that give more or less than they should, streams of both
// kinds, and where objects lie.

import assert from "node:assert/strict";

import { bodyLength, checkSize, open, read, readAll, readObject } from "../../router/body.js";
import { exists } from "../../platform/origin.js";
import { StoreError } from "../../router/errors.js";
import { gzipTrailer } from "../../router/envelope.js";
import * as keys from "../../router/keys.js";
import { digest, sha256, Store, text } from "./registry.js";

const content = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);

/** A store of one object, whose streams are of bytes or not. @param {boolean} ofBytes */
const storeOf = (ofBytes) => {
  const store = new Store(new Map([["k", content]]));
  store.type = ofBytes ? "bytes" : undefined;
  store.chunk = 100;
  return store;
};

for (const ofBytes of [true, false]) {
  let store = storeOf(ofBytes);
  /** @param {import("../../router/body.js").Piece[]} pieces */
  const all = (...pieces) => readAll(pieces, store);
  assert.deepEqual(await all({ key: "k" }), content);
  assert.deepEqual(await all({ key: "k", length: 1000 }), content);
  assert.deepEqual(await all({ key: "k", offset: 0, length: 1 }), content.subarray(0, 1));
  assert.deepEqual(await all({ key: "k", offset: 990, length: 10 }), content.subarray(990));
  assert.equal(text(await all(Uint8Array.of(65), { key: "k", offset: 66, length: 2 }, Uint8Array.of(68))), "ABCD");
  assert.equal((await all()).length, 0);
  assert.equal((await all(new Uint8Array(0), new Uint8Array(0))).length, 0);
  assert.deepEqual(store.log.slice(0, 3), ["open k", "open k", "open k 0+1"]);

  // What was opened before is not opened again.
  store = storeOf(ofBytes);
  const opened = { size: 3, body: store.stream(Uint8Array.of(1, 2, 3)) };
  assert.deepEqual([...(await all({ key: "k", opened }))], [1, 2, 3]);
  assert.deepEqual(store.log, []);

  // A store that knows its object to be of another length, and one that does not know it.
  await assert.rejects(all({ key: "k", length: 1001 }), { message: "k: 1000 bytes, want 1001" });
  await assert.rejects(all({ key: "k", length: 999 }), { message: "k: 1000 bytes, want 999" });
  store.sizeOf = () => null;
  await assert.rejects(all({ key: "k", length: 1001 }), { message: "k: 1000 bytes, want 1001" });
  await assert.rejects(all({ key: "k", length: 0 }), StoreError);
  await assert.rejects(all({ key: "k", length: 500 }), {
    message: "k: more than the 500 bytes that it is to have",
  });
  await assert.rejects(all({ key: "absent" }), new StoreError("absent: is not there"));

  // Who stops reading, stops the store.
  store = storeOf(ofBytes);
  store.objects.set("k", new Uint8Array(1 << 20));
  store.chunk = 1 << 16;
  for await (const chunk of read([{ key: "k" }], store)) {
    assert.ok(chunk.length > 0);
    break;
  }
  assert.equal(store.cancelled, 1);
  store.sizeOf = () => null;
  await assert.rejects(readAll([{ key: "k", length: 500 }], store), StoreError);
  assert.equal(store.cancelled, 2);
}

// Chunks are large where the platform lets that be said.
const large = new Store(new Map([["k", new Uint8Array(600 << 10)]]));
large.chunk = 10 << 10;
const lengths = [];
for await (const chunk of read([{ key: "k" }], large)) lengths.push(chunk.length);
assert.deepEqual(lengths, [256 << 10, 256 << 10, 88 << 10]);

// A few bytes do not keep the chunk that they came in; many are not copied.
const buffer = new Uint8Array(100);
for (const [n, own] of /** @type {[number, boolean][]} */ ([
  [49, true],
  [50, false],
  [100, false],
])) {
  const got = await readAll([buffer.subarray(0, n)], new Store(new Map()));
  assert.equal(got.length, n);
  assert.equal(got.buffer !== buffer.buffer, own, String(n));
}

assert.equal(bodyLength([]), 0);
assert.equal(bodyLength([new Uint8Array(3), { key: "k", length: 4 }]), 7);
assert.equal(bodyLength([new Uint8Array(3), { key: "k" }, new Uint8Array(3)]), undefined);
checkSize("k", null, 1);
checkSize("k", 1);
checkSize("k", 1, 1);
assert.throws(() => checkSize("k", 1, 2), new StoreError("k: 1 bytes, want 2"));
assert.throws(() => checkSize("k", 0, 2), StoreError);
assert.throws(() => checkSize("k", 2, 0), StoreError);
assert.equal(await readObject("k", storeOf(true)), content);
await assert.rejects(readObject("absent", storeOf(true)), new StoreError("absent: is not there"));
assert.equal((await open({ key: "k", offset: 1, length: 2 }, storeOf(true))).size, 2);

// RFC 1952: CRC-32 and length modulo 2^32, the least significant byte first.
assert.deepEqual([...gzipTrailer(0x01020304, 0x105060708)], [4, 3, 2, 1, 8, 7, 6, 5]);

// docs/bucket.md, "Names".
const r = { name: "n", version: "1.0.0+x", id: "0123456789abcdef0123" };
const root = "packages/n/1.0.0=2Bx/0123456789abcdef0123/";
assert.equal(await keys.archiveKey(r, sha256), `${root}n-1.0.0=2Bx.zip`);
assert.equal(await keys.signatureKey(r, sha256), `${root}n-1.0.0=2Bx.zip.sig`);
assert.equal(await keys.contentsKey(r, sha256), `${root}contents.json`);
assert.equal(keys.pointerKey("e"), "environments/e.json");
assert.equal(keys.routesKey("e", "i"), "snapshots/e/i/routes.json");
assert.equal(keys.responseKey("d"), "responses/d.json");
assert.equal(keys.pageKey("d"), "responses/d.page");
assert.equal(keys.partKey("d"), "responses/d.part");
const a = (/** @type {number} */ n) => "a".repeat(n);
for (const [path, want] of [
  ["docs/README.md", "docs/README.md"],
  ["A-Z_.,9", "A-Z_.,9"],
  ["a b/c=d/\xff\n", "a=20b/c=3Dd/=FF=0A"],
  ["./../...", "=2E/=2E=2E/=2E=2E=2E"],
  ["a//b", "a//b"],
  [".a", ".a"],
  ["a.attrs/b", "a=2Eattrs/b"],
  ["a.attrs.b", "a.attrs.b"],
  [a(220), a(220)],
  [a(221), `${a(160)}=-${digest(a(221))}`],
  // The cut is not through an escape, of three characters.
  [`${a(157)} ${a(70)}`, `${a(157)}=20=-${digest(`${a(157)} ${a(70)}`)}`],
  [`${a(158)} ${a(70)}`, `${a(158)}=-${digest(`${a(158)} ${a(70)}`)}`],
  [`${a(159)} ${a(70)}`, `${a(159)}=-${digest(`${a(159)} ${a(70)}`)}`],
  [`${a(160)} ${a(70)}`, `${a(160)}=-${digest(`${a(160)} ${a(70)}`)}`],
]) {
  assert.equal(await keys.fileKey(r, path, sha256), `${root}files/${want}`, path);
}
for (const [id, want] of /** @type {[string, boolean][]} */ ([
  ["20221201T172031Z-2a4a537579b2", true],
  ["00000000T000000Z-2a4a537579b2", true],
  ["20221201T172031Z-2a4a537579b", false],
  ["20221201T172031Z-2A4A537579B2", false],
  ["x20221201T172031Z-2a4a537579b2", false],
  ["20221201T172031Z-2a4a537579b2/", false],
])) {
  assert.equal(keys.validSnapshot(id), want, id);
}
for (const [name, want] of /** @type {[string, boolean][]} */ ([
  ["a_0", true],
  [a(200), true],
  [a(201), false],
  ["", false],
  ["A", false],
  ["a-b", false],
])) {
  assert.equal(keys.validPackageName(name), want, name);
}

// A store that says 403 is not there for those who ask whether something is; where it must
// be, the log has what the store said last.
const forbidden = new Set();
const locked = Object.assign(new Store(new Map()), { forbidden });
const says403 = new StoreError(
  "k: the store says 403: its credentials are missing or wrong, may not read this, or it is not there",
);
const says404 = new StoreError("k: is not there");
for (const [status, want] of /** @type {[number, StoreError][]} */ ([
  [403, says403],
  [404, says404],
  [403, says403],
])) {
  assert.equal(exists(status, "k", forbidden), false);
  await assert.rejects(readObject("k", locked), want);
  await assert.rejects(open({ key: "k" }, locked), want);
}
assert.equal(exists(200, "k", forbidden), true);
assert.equal(exists(206, "k", forbidden, 0), true);
await assert.rejects(readObject("k", locked), says404);
for (const [status, offset] of [[200, 0], [206], [301], [401], [500]])
  assert.throws(() => exists(status, "k", forbidden, offset), { message: /^the origin says \d+, want 20[06]$/ });
for (let i = 0; i < 1000; i++) exists(403, `k${i}`, forbidden);
assert.ok(forbidden.size <= 100 && forbidden.has("k999"));
