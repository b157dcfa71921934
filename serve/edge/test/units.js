// Checks the parts of the router whose inputs few requests have, against what Node
// and the specifications say: node test/units.js

import assert from "node:assert/strict";

import { contentRange, parseRange } from "../router/byterange.js";
import { fromBytes, runes, toBytes, utf8 } from "../router/bytes.js";
import { fileTag, gzipped, precondition, rangeApplies } from "../router/conditional.js";
import { acceptsGzip, compressible } from "../router/encoding.js";

const encoder = new TextEncoder();

/** @param {string} text */
const viaNode = (text) => fromBytes(encoder.encode(text));

// Every code point, and each half of a surrogate pair, is encoded as TextEncoder does.
for (let c = 0; c <= 0x10ffff; c += c > 0x3000 && c < 0x10f000 && c % 0x400 === 0x10 ? 0x3ef : 1) {
  const text = String.fromCodePoint(c);
  const bytes = utf8(text);
  assert.equal(bytes, viaNode(text), `U+${c.toString(16)}`);
  if (c >= 0xd800 && c <= 0xdfff) continue;
  assert.deepEqual([...runes(bytes)], [{ code: c, valid: true, bytes }], `U+${c.toString(16)}`);
}
assert.equal(utf8("\ud83d\ude00\ud83d"), viaNode("\ud83d\ude00\ud83d"));

// Bytes are read as UTF-8 if TextDecoder reads them so; all others one by one.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** @param {string} bytes */
const isValid = (bytes) => {
  try {
    decoder.decode(toBytes(bytes));
    return true;
  } catch {
    return false;
  }
};
const leads = [
  "\x00",
  "\x7f",
  "\x80",
  "\xbf",
  "\xc1",
  "\xc2",
  "\xdf",
  "\xe0",
  "\xe1",
  "\xec",
  "\xed",
  "\xef",
  "\xf0",
  "\xf1",
  "\xf3",
  "\xf4",
  "\xf5",
  "\xff",
];
const rest = ["", "\x7f", "\x80", "\x8f", "\x90", "\x9f", "\xa0", "\xbf", "\xc0"];
for (const a of leads) {
  for (const b of rest) {
    for (const c of rest) {
      for (const d of rest) {
        const bytes = a + b + c + d;
        const read = [...runes(bytes)];
        assert.equal(read.map((r) => r.bytes).join(""), bytes);
        assert.equal(
          read.every((r) => r.valid),
          isValid(bytes),
          JSON.stringify(bytes),
        );
        for (const r of read) {
          if (r.valid) assert.equal(utf8(String.fromCodePoint(r.code)), r.bytes);
          else assert.deepEqual([r.code, r.bytes.length], [0xfffd, 1]);
        }
      }
    }
  }
}

// Byte strings of every length around what is turned at once.
for (const n of [0, 1, 1023, 1024, 1025, 2048, 5000]) {
  const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 7) & 255);
  assert.deepEqual(toBytes(fromBytes(bytes)), bytes);
  if (n > 3) assert.deepEqual(toBytes(fromBytes(bytes, 1, n - 1)), bytes.subarray(1, n - 1));
}

/**
 * @param {Record<string, string>} values
 * @returns {import("../router/conditional.js").Headers}
 */
const headers = (values) => ({ get: (name) => values[name] ?? null });

// RFC 9110, section 14: what a Range header asks for, of ten bytes. null is 416.
for (const [header, want] of /** @type {[string, number[][] | null][]} */ ([
  ["", []],
  ["bytes=0-0", [[0, 1]]],
  ["bytes=0-8", [[0, 9]]],
  ["bytes=9-9", [[9, 1]]],
  ["bytes=9-", [[9, 1]]],
  ["bytes=9-20", [[9, 1]]],
  ["bytes=10-", null],
  ["bytes=10-12", null],
  ["bytes=-1", [[9, 1]]],
  ["bytes=-10", [[0, 10]]],
  ["bytes=-11", [[0, 10]]],
  ["bytes=-0", null],
  ["bytes=0-9", [[0, 10]]],
  ["bytes= 2 - 3 ", [[2, 2]]],
  [
    "bytes=2-3,,5-5",
    [
      [2, 2],
      [5, 1],
    ],
  ],
  ["bytes=10-,2-3", [[2, 2]]],
  [
    "bytes=0-4,5-9",
    [
      [0, 5],
      [5, 5],
    ],
  ],
  ["bytes=0-5,5-9", []],
  ["bytes=3-2", null],
  ["bytes=2-2", [[2, 1]]],
  ["bytes=-", null],
  ["bytes=a-b", null],
  ["bytes=1", null],
  ["items=0-1", null],
  ["bytes=0-9223372036854775807", [[0, 10]]],
  ["bytes=0-9223372036854775808", null],
  ["bytes=0-00000000000000000000009", [[0, 10]]],
  ["bytes=0-10000000000000000000", null],
  ["bytes=9223372036854775808-", null],
])) {
  /** @type {number[][] | null} */
  let got;
  try {
    got = parseRange(header, 10).map((r) => [r.start, r.length]);
  } catch {
    got = null;
  }
  assert.deepEqual(got, want, header);
}
const single = Array.from({ length: 17 }, (_, i) => `${i}-${i}`);
assert.equal(parseRange("bytes=" + single.slice(0, 16).join(","), 100).length, 16);
assert.equal(parseRange("bytes=" + single.join(","), 100).length, 0, "more than 16 ranges are all of it");
assert.deepEqual(parseRange("bytes=0-0", 0), [], "of nothing");
assert.equal(contentRange({ start: 2, length: 3 }, 10), "bytes 2-4/10");

// RFC 9110, section 13: 0 goes on.
const tag = fileTag("0123456789abcdef0123456789abcdef0123");
assert.equal(tag, '"0123456789abcdef0123456789abcdef"');
assert.equal(gzipped(tag), '"0123456789abcdef0123456789abcdef-gzip"');
const date = "Mon, 06 May 2024 07:08:09 GMT";
for (const [values, want] of /** @type {[Record<string, string>, number][]} */ ([
  [{}, 0],
  [{ "if-match": tag }, 0],
  [{ "if-match": "*" }, 0],
  [{ "if-match": " * " }, 0],
  [{ "if-match": `W/${tag}` }, 412],
  [{ "if-match": '"x"' }, 412],
  [{ "if-match": `"x", ${tag}` }, 0],
  [{ "if-match": "" }, 412],
  [{ "if-none-match": tag }, 304],
  [{ "if-none-match": `W/${tag}` }, 304],
  [{ "if-none-match": `"x",\t${tag}` }, 304],
  [{ "if-none-match": '"x"' }, 0],
  [{ "if-none-match": `x ${tag}` }, 0],
  [{ "if-none-match": "*" }, 304],
  [{ "if-match": '"x"', "if-none-match": tag }, 412],
  [{ "if-modified-since": date }, 304],
  [{ "if-modified-since": "Mon, 06 May 2024 07:08:10 GMT" }, 0],
  [{ "if-none-match": '"x"', "if-modified-since": date }, 0],
])) {
  assert.equal(precondition(headers(values), tag, date), want, JSON.stringify(values));
}
assert.equal(precondition(headers({ "if-modified-since": "" }), tag, ""), 0);
assert.equal(rangeApplies(headers({}), tag), true);
assert.equal(rangeApplies(headers({ "if-range": "" }), tag), true);
assert.equal(rangeApplies(headers({ "if-range": tag }), tag), true);
assert.equal(rangeApplies(headers({ "if-range": `W/${tag}` }), tag), false);

// RFC 9110, section 12.5.3.
for (const [value, want] of /** @type {[string, boolean][]} */ ([
  ["gzip", true],
  ["GZIP", true],
  ["x-gzip", true],
  ["deflate, gzip;q=0.5", true],
  ["gzip;q=0", false],
  ["gzip;q=0.000", false],
  ["gzip; Q = 0.1", true],
  ["gzip;q=.5", true],
  ["gzip;q=1.", true],
  ["gzip;q=7", true],
  ["gzip;q=-1", false],
  ["gzip;q=x", false],
  ["gzip;q=1e-3", true],
  ["gzip;level=1;q=0", false],
  ["gzip;level", true],
  ["gzip;q=0.5, identity", false],
  ["gzip;q=0.5, identity;q=0.5", true],
  ["gzip, identity;q=0.9", true],
  ["*", true],
  ["*;q=0", false],
  ["gzip;q=0, *", false],
  ["gzip, *;q=0", true],
  ["gzip;q=0, x-gzip", true],
  ["br", false],
  ["", false],
])) {
  assert.equal(acceptsGzip(headers({ "accept-encoding": value })), want, value);
}
assert.equal(acceptsGzip(headers({})), false);
for (const type of ["text/plain", "application/json; charset=utf-8", "image/svg+xml"])
  assert.ok(compressible(type), type);
for (const type of ["image/png", "application/zip", "", "x/text/plain"]) assert.ok(!compressible(type), type);
