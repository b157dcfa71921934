// Texts as bytes: every code point, and what is no UTF-8.

import assert from "node:assert/strict";

import { fromBytes, runes, toBytes, utf8 } from "../../router/bytes.js";

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
