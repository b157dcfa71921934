// The headers of a request: ranges, preconditions, encodings.

import assert from "node:assert/strict";

import { contentRange, parseRange } from "../../router/byterange.js";
import { fileTag, gzipped, precondition, rangeApplies } from "../../router/conditional.js";
import { acceptsGzip, compressible } from "../../router/encoding.js";

/**
 * @param {Record<string, string>} values
 * @returns {import("../../router/conditional.js").Headers}
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
  ["gzip;q=x, x-gzip", true],
  ["gzip;q=inf", false],
  ["gzip;q=0x1p-2", false],
  ["gzip;q=1_0", false],
  ["gzip;q=1e999", false],
  ["gzip;q=1e-999", false],
  ["gzip;q=+.5", true],
  ["gzip;qx", true],
  ["gzip;q", true],
  ["gzip;=0", true],
  ["gzip;q=", false],
  ["gzip;q=0;q=1", false],
  ["gzip;q=2, identity", true],
  ["br", false],
  ["", false],
])) {
  assert.equal(acceptsGzip(headers({ "accept-encoding": value })), want, value);
}
assert.equal(acceptsGzip(headers({})), false);
for (const type of ["text/plain", "application/json; charset=utf-8", "image/svg+xml"])
  assert.ok(compressible(type), type);
for (const type of ["image/png", "application/zip", "", "x/text/plain"]) assert.ok(!compressible(type), type);
