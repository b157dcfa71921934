// The twin of serve/ranges.go: the Range header.

/**
 * A part of a content, in bytes; never empty, and within the content.
 * @typedef {{start: number, length: number}} ByteRange
 */

/** A range that cannot be sent. The message is the body of a 416. */
export class RangeError416 extends Error {}

/**
 * Who asks for more ranges gets all of the content, as a server may choose (RFC
 * 9110, section 14.2): each is a request to the store.
 */
const MOST = 16;

/** 2^63-1. */
const LARGEST = "9223372036854775807";

/**
 * Reads a Range header. Without ranges all of the content is meant, which is
 * also the answer to ranges that together are longer than it.
 * @param {string} header
 * @param {number} size of the content
 * @returns {ByteRange[]}
 */
export function parseRange(header, size) {
  if (header === "") return [];
  if (!header.startsWith("bytes=")) throw new RangeError416("invalid range");
  /** @type {ByteRange[]} */
  const ranges = [];
  let beyond = false;
  let total = 0;
  for (const text of header.slice("bytes=".length).split(",")) {
    const item = text.trim();
    if (item === "") continue;
    const r = oneRange(item, size);
    if (r.length === 0) {
      beyond = true;
      continue;
    }
    ranges.push(r);
    total += r.length;
  }
  if (ranges.length === 0 && beyond && size > 0) throw new RangeError416("invalid range: failed to overlap");
  return total > size || ranges.length > MOST ? [] : ranges;
}

/**
 * Reads "first-last", "first-" or "-suffix"; a range beyond the end has no length.
 * @param {string} item
 * @param {number} size
 * @returns {ByteRange}
 */
function oneRange(item, size) {
  const m = /^[ \t]*([0-9]*)[ \t]*-[ \t]*([0-9]*)[ \t]*$/.exec(item);
  if (!m || [m[1], m[2]].some(tooLarge) || (m[1] === "" && m[2] === "")) throw new RangeError416("invalid range");
  if (m[1] === "") {
    const n = Math.min(Number(m[2]), size);
    return { start: size - n, length: n };
  }
  const start = Number(m[1]);
  if (start >= size) return { start, length: 0 };
  if (m[2] === "") return { start, length: size - start };
  if (Number(m[2]) < start) throw new RangeError416("invalid range");
  return { start, length: Math.min(size - 1, Number(m[2])) - start + 1 };
}

/**
 * Tells whether a number is 2^63 or more, which the other edge does not read.
 * @param {string} digits
 */
function tooLarge(digits) {
  const significant = digits.replace(/^0+/, "");
  return significant.length > LARGEST.length || (significant.length === LARGEST.length && significant > LARGEST);
}

/**
 * @param {ByteRange} r
 * @param {number} size
 */
export function contentRange(r, size) {
  return `bytes ${r.start}-${r.start + r.length - 1}/${size}`;
}
