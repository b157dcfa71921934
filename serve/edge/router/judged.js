// Objects whose content has a name are judged before any of it is sent, where they are
// small: what was answered and cached could not be taken back.

import { read, readAll } from "./body.js";
import { StoreError } from "./errors.js";

/** @typedef {import("./body.js").Bucket} Bucket */
/** @typedef {import("./body.js").Piece} Piece */

/** The most bytes of an object that is judged: a function may send no more than about that. */
const STORED = 512 << 10;

/** The most that is inflated: some milliseconds of processor time. */
export const INFLATED = 1 << 20;

/**
 * An object in memory, if it is sound. What is larger streams: of what is encoded its
 * client finds by the trailer what is wrong with it.
 * @param {Piece[]} body an object that was opened
 * @param {import("./handler.js").Site} site
 * @param {(content: Uint8Array) => boolean | Promise<boolean>} sound
 * @param {import("./archived.js").Inflate} [inflate] what is stored encoded
 * @returns {Promise<Piece[]>}
 */
export async function judge(body, { bucket, exported }, sound, inflate) {
  const { key, opened } = /** @type {import("./body.js").Part} */ (body[0]);
  // An export's objects are opened by nginx, and nothing is opened for HEAD.
  if (exported || !opened || opened.size === null || opened.size > STORED) return body;
  const stored = await readAll(body, bucket);
  const content = inflate ? await inflatedUpTo(key, stored, inflate) : stored;
  if (content && !(await sound(content))) throw new StoreError(`${key}: its content is another's`);
  return [stored];
}

/**
 * What an object inflates to; null if that is much.
 * @param {string} key
 * @param {Uint8Array} encoded
 * @param {import("./archived.js").Inflate} inflate
 */
export async function inflatedUpTo(key, encoded, inflate) {
  // Some runtimes inflate by themselves, so inflate lets pass what is plain.
  if (encoded[0] !== 0x1f || encoded[1] !== 0x8b) throw new StoreError(`${key}: it is not gzip-encoded`);
  const opened = { size: null, body: inflate(encoded) };
  const nowhere = /** @type {any} */ (null); // nothing of it is read from the bucket
  const parts = [];
  let n = 0;
  try {
    for await (const part of read([{ key, opened }], nowhere, Infinity)) {
      n += part.length;
      if (n > INFLATED) return null;
      parts.push(part);
    }
  } catch (e) {
    // Of what is no gzip each platform says so in its own way.
    throw e instanceof StoreError ? e : new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
  }
  // Not every runtime minds bytes behind the stream; it ends with the length.
  const end = new DataView(encoded.buffer, encoded.byteOffset).getUint32(encoded.length - 4, true);
  if (end !== n) throw new StoreError(`${key}: its gzip stream does not end where the object ends`);
  return readAll(parts, nowhere);
}
