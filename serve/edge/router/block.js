// The twin of layout/block.go, which says what a block is: the summaries of all
// versions of a package, each text once.

import { StoreError } from "./errors.js";

/** How many bytes are copied one by one: for more a call of the platform pays. */
const FEW = 24;

/**
 * A number of a block.
 * @param {Uint8Array} data
 * @param {number} at
 * @param {number} width in bytes
 */
function number(data, at, width) {
  let n = data[at];
  for (const end = at + width; ++at < end;) n = n * 256 + data[at];
  return n;
}

/**
 * @param {Uint8Array} data
 * @param {number} from
 * @param {number} length
 * @param {Uint8Array} out
 * @param {number} at
 */
function copy(data, from, length, out, at) {
  if (length > FEW) out.set(data.subarray(from, from + length), at);
  else for (const end = from + length; from < end;) out[at++] = data[from++];
}

/**
 * Writes the summary of a row, which is as long as its size says.
 * @param {Uint8Array} data the part of the catalog that has the block
 * @param {number} block where it begins there
 * @param {number} i which row of the block
 * @param {number} size of the summary, in bytes
 * @param {Uint8Array} out
 * @param {number} at where in out
 */
export function writeSummary(data, block, i, size, out, at) {
  const width = data[block];
  const counts = block + 1;
  const rows = counts + 3 * width;
  const forms = rows + 3 * width * number(data, counts, width);
  const pieces = forms + width * number(data, counts + width, width);
  const pool = pieces + 2 * width * number(data, counts + 2 * width, width);
  const row = rows + 3 * width * i;
  const form = number(data, row, width);
  const version = pool + number(data, row + width, width);
  const length = number(data, row + 2 * width, width);
  let piece = pieces + (form === 0 ? 0 : 2 * width * number(data, forms + width * (form - 1), width));
  const last = pieces + 2 * width * number(data, forms + width * form, width);
  const end = at + size;
  for (; piece < last; piece += 2 * width) {
    const n = number(data, piece + width, width);
    if (at + (n >> 1) + (n & 1) * length > end) break;
    copy(data, pool + number(data, piece, width), n >> 1, out, at);
    at += n >> 1;
    if ((n & 1) === 0) continue;
    copy(data, version, length, out, at);
    at += length;
  }
  if (at !== end) throw new StoreError(`a part of the catalog is damaged: no summary of ${size} bytes at ${block}`);
}
