// Files and archives: what is an object, what comes out of the archive, ranges of
// both, and stores that give something else.

import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";

import { StoreError } from "../../router/errors.js";
import { archived, ask, bytes, digest, hexOf, registry, revisionOf, text } from "./registry.js";

const root = `packages/a/1.0.0/${revisionOf("a", "1.0.0")}/`;
const archiveKey = `${root}a-1.0.0.zip`;
const SIGNED = 2;
const MODIFIED = "Thu, 01 Dec 2022 17:20:31 GMT";

/**
 * A package with one file.
 * @param {string} content
 * @param {"object" | "deflate" | "stored" | "both"} how it is kept
 * @param {{type?: string, format?: number, site?: string, change?: object}} [more]
 */
function fileOf(content, how, { type = "text/plain", format = 2, site: pages, change = {} } = {}) {
  const r = registry({ a: [{ version: "1.0.0", flags: SIGNED }] }, { head: pages ? { site: pages } : {} });
  const { archive, file } = archived(content, how !== "stored");
  const { stored, deflate, ...rest } = /** @type {any} */ (file);
  const how2 = how === "object" ? { object: true } : how === "both" ? { object: true, deflate } : { stored, deflate };
  const listed = {
    path: "docs/f",
    type,
    ...rest,
    ...(format === 1 ? (how === "both" ? { deflate } : {}) : how2),
    ...change,
  };
  const contents = {
    format,
    archive: { size: archive.length, sha256: hexOf(archive) },
    signature: { size: 3, sha256: hexOf("sig") },
    files: [{ path: "other", type: "x/y", size: 0, sha256: hexOf(""), object: true }, listed],
  };
  r.objects.set(archiveKey, archive);
  r.objects.set(`${archiveKey}.sig`, bytes("sig"));
  r.objects.set(`${root}contents.json`, bytes(JSON.stringify(contents)));
  if (how === "object" || how === "both") r.objects.set(`${root}files/docs/f`, bytes(content));
  r.objects.set(`${root}files/other`, bytes(""));
  return { ...r, archive, deflate, file, contents };
}
const target = "/package/a/1.0.0/docs/f";
const GZIP = { "accept-encoding": "gzip" };
const content = "the same words, ".repeat(20);
const tag = `"${digest(content)}"`;
const HEADERS = {
  "access-control-allow-origin": "*",
  "accept-ranges": "bytes",
  "cache-control": "max-age=600, public",
  "content-type": "text/plain",
  "last-modified": MODIFIED,
  vary: "Accept-Encoding",
};
const ERROR = {
  "access-control-allow-origin": "*",
  "cache-control": "max-age=0, private, no-store",
  "content-type": "text/plain; charset=utf-8",
};

for (const how of /** @type {const} */ (["object", "deflate", "stored", "both"])) {
  const { site } = fileOf(content, how);
  const whole = await ask(site, target);
  const headers = { ...HEADERS, "content-length": "320", etag: tag };
  assert.deepEqual([whole.status, whole.headers, whole.body], [200, headers, content], how);
  assert.deepEqual((await ask(site, target, {}, "HEAD")).headers, headers, how);
  assert.equal((await ask(site, "/artifacts/static/a-1.0.0/docs/f")).body, content);

  for (const [range, start, n] of /** @type {[string, number, number][]} */ ([
    ["bytes=0-0", 0, 1],
    ["bytes=5-9", 5, 5],
    ["bytes=310-", 310, 10],
    ["bytes=-7", 313, 7],
  ])) {
    const part = await ask(site, target, { range, ...GZIP });
    const want = { ...headers, "content-range": `bytes ${start}-${start + n - 1}/320`, "content-length": String(n) };
    assert.deepEqual([part.status, part.headers, part.body], [206, want, content.slice(start, start + n)], how);
    assert.deepEqual((await ask(site, target, { range }, "HEAD")).headers, headers, "ranges are for GET");
    assert.equal((await ask(site, target, { range, "if-range": tag })).status, 206);
    assert.equal((await ask(site, target, { range, "if-range": '"x"' })).status, 200);
    assert.equal((await ask(site, target, { range, "if-range": MODIFIED })).status, 200);
  }
  const two = await ask(site, target, { range: "bytes=0-1,318-" });
  const boundary = `regsnap-${digest(content)}`;
  const piece = (/** @type {string} */ range) =>
    `--${boundary}\r\nContent-Range: bytes ${range}/320\r\nContent-Type: text/plain\r\n\r\n`;
  const body = `${piece("0-1")}th\r\n${piece("318-319")}${content.slice(-2)}\r\n--${boundary}--\r\n`;
  assert.deepEqual(
    [two.status, two.body, two.headers],
    [
      206,
      body,
      {
        ...headers,
        "content-type": `multipart/byteranges; boundary=${boundary}`,
        "content-length": String(body.length),
      },
    ],
  );
  const beyond = await ask(site, target, { range: "bytes=320-" });
  const why = "invalid range: failed to overlap\n";
  assert.deepEqual(
    [beyond.status, beyond.headers, beyond.body],
    [
      416,
      {
        ...ERROR,
        "last-modified": MODIFIED,
        "content-range": "bytes */320",
        "content-length": String(why.length),
      },
      why,
    ],
  );

  // Preconditions; the date counts for files.
  for (const [condition, status] of /** @type {[Record<string, string>, number][]} */ ([
    [{ "if-none-match": tag }, 304],
    [{ "if-modified-since": MODIFIED }, 304],
    [{ "if-modified-since": "Thu, 01 Dec 2022 17:20:32 GMT" }, 200],
    [{ "if-match": '"x"' }, 412],
    [{ "if-match": tag, range: "bytes=0-0" }, 206],
  ])) {
    assert.equal((await ask(site, target, condition)).status, status, JSON.stringify(condition));
  }
  const kept = await ask(site, target, { "if-none-match": tag });
  const { "content-type": _, "accept-ranges": __, ...rest } = HEADERS;
  assert.deepEqual([kept.headers, kept.body], [{ ...rest, etag: tag }, ""]);
  site.modified = "";
  assert.equal((await ask(site, target)).headers["last-modified"], undefined);
  assert.equal((await ask(site, target, { "if-modified-since": "" })).status, 200);

  const missing = await ask(site, "/package/a/1.0.0/docs/g", GZIP);
  assert.deepEqual(
    [missing.status, missing.headers, missing.body],
    [
      404,
      {
        ...ERROR,
        "cache-control": "max-age=600, public",
        "content-length": "19",
      },
      "resource not found\n",
    ],
  );
}

// To clients that take gzip goes what the archive holds.
for (const how of /** @type {const} */ (["deflate", "both"])) {
  const { site, store, deflate } = fileOf(content, how);
  const got = await ask(site, target, GZIP);
  assert.equal(gunzipSync(got.data).toString(), content);
  assert.deepEqual([...got.data.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  const { "accept-ranges": _, ...rest } = HEADERS;
  const headers = {
    ...rest,
    "content-encoding": "gzip",
    "content-length": String(deflate.size + 18),
    etag: `"${digest(content)}-gzip"`,
  };
  assert.deepEqual([got.status, got.headers], [200, headers]);
  store.log.length = 0;
  assert.deepEqual((await ask(site, target, GZIP, "HEAD")).headers, headers);
  assert.deepEqual(store.log, [`read ${root}contents.json`], "nothing is read for a HEAD");
  assert.equal((await ask(site, target, { ...GZIP, "if-none-match": headers.etag })).status, 304);
  assert.equal((await ask(site, target, { ...GZIP, "if-none-match": tag })).status, 200);
  assert.equal((await ask(site, target, { ...GZIP, range: "" })).headers["content-encoding"], undefined);
}
// Not where it is longer than the file, or of a type that is not worth it.
const { deflate: d } = fileOf(content, "both");
for (const [size, encoded] of /** @type {[number, boolean][]} */ ([
  [320 - 18, false],
  [320 - 19, true],
])) {
  // The span is what it is; only the choice is looked at.
  const { site } = fileOf(content, "both", { change: { deflate: { ...d, size } } });
  const head = await ask(site, target, GZIP, "HEAD");
  assert.equal(head.headers["content-encoding"] === "gzip", encoded, String(size));
}
const image = await ask(fileOf(content, "both", { type: "image/png" }).site, target, GZIP);
assert.deepEqual([image.headers["content-encoding"], image.headers.vary, image.body], [undefined, undefined, content]);

// What a list of format 1 names is an object; so is everything in an export.
const old = fileOf(content, "object", { format: 1 });
old.store.log.length = 0;
assert.equal((await ask(old.site, target)).body, content);
assert.deepEqual(old.store.log, [`read ${root}contents.json`, `open ${root}files/docs/f`]);
const exported = fileOf(content, "deflate");
exported.site.exported = true;
exported.objects.set(`${root}files/docs/f`, bytes(content));
exported.store.log.length = 0;
assert.equal((await ask(exported.site, target)).body, content);
assert.ok(exported.store.log.includes(`open ${root}files/docs/f`));
exported.site.inflate = () => assert.fail("the script of an export cannot inflate");
const raw = await ask(exported.site, target, GZIP);
assert.equal(gunzipSync(raw.data).toString(), content);

// An empty file is no request to the store.
const empty = fileOf("x", "object");
empty.store.log.length = 0;
const nothing = await ask(empty.site, "/package/a/1.0.0/other", { range: "bytes=0-" });
assert.deepEqual([nothing.status, nothing.body, nothing.headers["content-length"]], [200, "", "0"]);
assert.deepEqual(empty.store.log, [`read ${root}contents.json`]);

// Damage that keeps size and place: never sent as if it were the file.
/** @param {Uint8Array} data @param {number} at */
const flipped = (data, at) => data.map((byte, i) => (i === at ? byte ^ 1 : byte));
for (const how of /** @type {const} */ (["deflate", "stored"])) {
  const { site, objects, archive, file } = fileOf(content, how);
  const { deflate, stored } = /** @type {any} */ (file);
  const [from, size] = how === "deflate" ? [deflate.offset, deflate.size] : [stored, 320];
  for (let at = 0; at < archive.length; at += how === "deflate" ? 1 : 37) {
    objects.set(archiveKey, flipped(archive, at));
    for (const headers of /** @type {Record<string, string>[]} */ ([{}, GZIP, { range: "bytes=0-0" }])) {
      let sent;
      try {
        sent = await ask(site, target, headers);
      } catch (e) {
        assert.ok(e instanceof StoreError, String(e));
        assert.ok(at >= from && at < from + size, "what lies beside it does no harm");
        continue;
      }
      const plain = sent.headers["content-encoding"] ? gunzipSync(sent.data).toString() : sent.body;
      assert.ok(content.startsWith(plain) && plain !== "", `${how} ${at}`);
    }
  }
  for (const data of [archive.subarray(0, from), archive.subarray(0, from + size - 1), new Uint8Array(0)]) {
    objects.set(archiveKey, data);
    await assert.rejects(ask(site, target), StoreError);
    if (how === "deflate") await assert.rejects(ask(site, target, GZIP), StoreError);
  }
  objects.delete(archiveKey);
  await assert.rejects(ask(site, target), new StoreError(`${archiveKey}: is not there`));
}
// The list says something else than the archive holds.
for (const change of [
  { sha256: hexOf("other") },
  { size: 319 },
  { size: 321 },
  { deflate: { ...d, crc32: d.crc32 ^ 1 } },
  { deflate: { ...d, size: d.size - 1 } },
  { deflate: { ...d, size: d.size + 1 } },
  { deflate: { ...d, offset: d.offset + 1 } },
]) {
  const { site } = fileOf(content, "deflate", { change });
  await assert.rejects(ask(site, target), StoreError, JSON.stringify(change));
  await assert.rejects(ask(site, target, GZIP), StoreError, JSON.stringify(change));
}
await assert.rejects(ask(fileOf(content, "stored", { change: { sha256: hexOf("other") } }).site, target), {
  message: `${archiveKey}: what it holds for docs/f is something else`,
});
// Each platform has its own error of what is no deflate stream: the store is to blame.
for (const [thrown, message] of [
  [new TypeError("no stream"), "no stream"],
  ["no stream", "no stream"],
  [new StoreError("as it is"), null],
]) {
  const { site } = fileOf(content, "deflate");
  site.inflate = () => {
    throw thrown;
  };
  const want = new StoreError(message === null ? "as it is" : `${archiveKey}: docs/f: ${message}`);
  await assert.rejects(ask(site, target), want);
}

// What may be judged in memory is judged; what is larger streams, and is found by its trailer.
for (const [size, judged] of /** @type {[number, boolean][]} */ ([
  [512 << 10, true],
  [(512 << 10) + 1, false],
])) {
  const large = "x".repeat(size);
  const { site, store, objects, archive } = fileOf(large, "both");
  store.chunk = 1 << 16;
  assert.equal(gunzipSync((await ask(site, target, GZIP)).data).length, size);
  objects.set(archiveKey, flipped(archive, archive.length - 20));
  if (judged) {
    await assert.rejects(ask(site, target, GZIP), StoreError);
    continue;
  }
  const sent = await ask(site, target, GZIP);
  assert.throws(() => gunzipSync(sent.data));
}

// A browser that opens a file of a package runs nothing, where there are pages beside it.
const policed = await ask(fileOf(content, "object", { site: "0".repeat(32) }).site, target);
assert.equal(policed.headers["x-content-type-options"], "nosniff");
assert.equal(policed.headers["content-security-policy"], "default-src 'none'; style-src 'unsafe-inline'; sandbox");

// Archives and signatures.
const { site, archive, objects, contents, store } = fileOf(content, "deflate");
const ofArchive = {
  "access-control-allow-origin": "*",
  "accept-ranges": "bytes",
  "cache-control": "max-age=600, public",
  "last-modified": MODIFIED,
};
for (const path of ["/epr/a/a-1.0.0.zip", "/epr/x/a-1.0.0.zip", "/artifacts/packages/a-1.0.0.zip"]) {
  const zip = await ask(site, path, GZIP);
  assert.equal(text(zip.data), text(archive));
  assert.deepEqual(zip.headers, {
    ...ofArchive,
    "content-type": "application/zip",
    "content-length": String(archive.length),
    etag: `"${digest(archive)}"`,
  });
  const sig = await ask(site, `${path}.sig`, GZIP);
  assert.equal(sig.body, "sig");
  assert.deepEqual(sig.headers, {
    ...ofArchive,
    "content-type": "application/pgp-signature",
    "content-length": "3",
    etag: `"${digest("sig")}"`,
  });
}
const middle = await ask(site, "/epr/a/a-1.0.0.zip", { range: "bytes=3-5" });
assert.deepEqual([middle.status, middle.body], [206, text(archive).slice(3, 6)]);
// A store that knows, or does not, that its object is of another length.
for (const size of [null, undefined]) {
  if (size === null) store.sizeOf = () => null;
  else store.sizeOf = (_, n) => n;
  for (const data of [archive.subarray(1), bytes(text(archive) + "x")]) {
    objects.set(archiveKey, data);
    await assert.rejects(ask(site, "/epr/a/a-1.0.0.zip"), StoreError);
  }
}
objects.set(archiveKey, archive);
// Lists that cannot be: of another format, without the signature, none at all.
const listKey = `${root}contents.json`;
for (const format of [0, 3, "2", undefined]) {
  objects.set(listKey, bytes(JSON.stringify({ ...contents, format })));
  await assert.rejects(ask(site, target), {
    message: `contents: format ${format} is not known to this edge (want 2)`,
  });
}
objects.set(listKey, bytes(JSON.stringify({ ...contents, signature: undefined })));
await assert.rejects(
  ask(site, "/epr/a/a-1.0.0.zip.sig"),
  new StoreError(`${archiveKey}.sig: contents.json lists no signature`),
);
objects.delete(listKey);
for (const path of [target, "/epr/a/a-1.0.0.zip", "/epr/a/a-1.0.0.zip.sig"]) {
  await assert.rejects(ask(site, path), new StoreError(`${listKey}: is not there`));
}
