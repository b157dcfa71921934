// Bodies as lists of pieces: bytes, parts of objects, and what is put together.
// What is to be sent is decided before anything is read; a platform then reads
// and sends it the way that it does best.

import { Assembly } from "./catalog.js";
import { StoreError } from "./errors.js";
import { digestOf } from "./keys.js";

/**
 * An object, or a part of one, as it arrives.
 * @typedef {object} Opened
 * @property {number | null} size in bytes, if it is known
 * @property {ReadableStream<Uint8Array>} body
 * @property {boolean} [encoded] whoever reads the body gets it decoded, though
 *   it is stored gzip-encoded
 */

/**
 * The bucket. What does not exist is null; what cannot be read throws.
 * @typedef {object} Bucket
 * @property {(key: string, offset?: number, length?: number) => Promise<Opened | null>} open
 *   reads an object, or a part of it, as it arrives
 * @property {(key: string) => Promise<Uint8Array | null>} read all of a small object
 * @property {(key: string) => Promise<{size: number | null} | null>} stat
 * @property {Set<string>} [forbidden] the keys of those null of which the store said 403
 */

/**
 * An object (no offset), or a part of one.
 * @typedef {object} Part
 * @property {string} key
 * @property {number} [offset]
 * @property {number} [length] in bytes, if it is known
 * @property {Opened} [opened] set where it had to be opened to know that it is there
 */

/** @typedef {Uint8Array | Part | Assembly} Piece */

/**
 * The length of a body in bytes; undefined if it is not known.
 * @param {Piece[]} pieces
 */
export function bodyLength(pieces) {
  let n = 0;
  for (const p of pieces) {
    if (p.length === undefined) return undefined;
    n += p.length;
  }
  return n;
}

/**
 * What is wrong where an object must be there. Credentials that are missing or wrong look
 * like an object that is not there, but not in the log.
 * @param {string} key
 * @param {Bucket} bucket
 */
export function missing(key, { forbidden }) {
  const why = forbidden?.has(key)
    ? "the store says 403: its credentials are missing or wrong, may not read this, or it is not there"
    : "is not there";
  return new StoreError(`${key}: ${why}`);
}

/**
 * Reads a small object that has to be there.
 * @param {string} key
 * @param {Bucket} bucket
 */
export async function readObject(key, bucket) {
  const bytes = await bucket.read(key);
  if (!bytes) throw missing(key, bucket);
  return bytes;
}

/**
 * Reads a small object that is named by what it says.
 * @param {string} key
 * @param {string} digest
 * @param {Bucket} bucket
 * @param {import("./keys.js").Hash} sha256
 */
export async function readNamed(key, digest, bucket, sha256) {
  return named(key, digest, await readObject(key, bucket), sha256);
}

/**
 * What an object holds, if it is named by that.
 * @param {string} key
 * @param {string} digest
 * @param {Uint8Array} content
 * @param {import("./keys.js").Hash} sha256
 */
export async function named(key, digest, content, sha256) {
  if ((await digestOf(content, sha256)) !== digest) throw new StoreError(`${key}: its content is another's`);
  return content;
}

/**
 * Opens a part.
 * @param {Part} part
 * @param {Bucket} bucket
 */
export async function open(part, bucket) {
  const opened = part.opened ?? (await bucket.open(part.key, part.offset, part.length));
  if (!opened) throw missing(part.key, bucket);
  checkSize(part.key, opened.size, part.length);
  return opened;
}

/**
 * Throws if an object is known to be longer or shorter than it is to be: a store
 * that cuts objects short, or a proxy before it, is not to be believed.
 * @param {string} key
 * @param {number | null} size
 * @param {number} [want]
 */
export function checkSize(key, size, want) {
  if (size !== null && want !== undefined && size !== want) throw new StoreError(`${key}: ${size} bytes, want ${want}`);
}

/**
 * Reads a body piece by piece.
 * @param {Piece[]} pieces
 * @param {Bucket} bucket
 * @param {number} [most] of what is put together at once, in bytes
 */
export async function* read(pieces, bucket, most) {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      yield piece;
      continue;
    }
    if (piece instanceof Assembly) {
      yield* piece.chunks(most);
      continue;
    }
    const { body } = await open(piece, bucket);
    yield* whole(chunks(body), piece);
  }
}

/**
 * The chunks of a part, which must be as long as it is to be.
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {Part} part
 */
async function* whole(chunks, part) {
  const { key, length = Infinity } = part;
  let n = 0;
  for await (const chunk of chunks) {
    n += chunk.length;
    if (n > length) throw new StoreError(`${key}: more than the ${length} bytes that it is to have`);
    yield chunk;
  }
  checkSize(key, n, part.length);
}

/** How much is read of a stream at once, in bytes. */
const CHUNK = 256 << 10;

/**
 * The chunks of a stream: large ones where the platform lets that be said, which
 * costs far less processor time than the few kilobytes that it gives otherwise.
 * @param {ReadableStream<Uint8Array>} stream
 */
async function* chunks(stream) {
  let reader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    yield* smallChunks(stream.getReader()); // it is not a stream of bytes
    return;
  }
  try {
    for (;;) {
      const r = await reader.read(new Uint8Array(CHUNK), { min: CHUNK });
      if (r.value?.length) yield r.value;
      if (r.done || !r.value?.length) return;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
async function* smallChunks(reader) {
  try {
    for (let r = await reader.read(); !r.done; r = await reader.read()) yield r.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * Reads a body into memory.
 * @param {Piece[]} pieces
 * @param {Bucket} bucket
 */
export async function readAll(pieces, bucket) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for await (const part of read(pieces, bucket, Infinity)) {
    // A few bytes must not keep all of the chunk that they came in.
    parts.push(part.length < part.buffer.byteLength / 2 ? part.slice() : part);
    size += part.length;
  }
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
