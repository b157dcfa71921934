// The twin of layout/place.go: a file that is no object, out of its archive.

import { readAll } from "./body.js";
import { GZIP_HEADER, gzipTrailer } from "./envelope.js";
import { StoreError } from "./errors.js";
import { digestOf } from "./keys.js";

/**
 * Makes bytes plain that are stored gzip-encoded, as they are read.
 * @typedef {(encoded: Uint8Array) => ReadableStream<Uint8Array>} Inflate
 */

/**
 * The content of a file, which is never large.
 * @param {string} key of the archive
 * @param {import("./contents.js").ContentsFile} file
 * @param {import("./handler.js").Site} site
 */
export async function archived(key, { path, size, sha256, deflate, stored }, { bucket, inflate, sha256: hash }) {
  const span = deflate ?? { offset: stored, size };
  const part = { key, offset: span.offset, length: span.size };
  let content;
  try {
    content = deflate
      ? await inflated(key, await readAll([GZIP_HEADER, part, gzipTrailer(deflate.crc32, size)], bucket), inflate, size)
      : await readAll([part], bucket);
  } catch (e) {
    // Of what is no deflate stream each platform says so in its own way.
    throw e instanceof StoreError ? e : new StoreError(`${key}: ${path}: ${e instanceof Error ? e.message : e}`);
  }
  // Half of a SHA-256 is as good as a digest.
  if ((await digestOf(content, hash)) !== sha256.slice(0, 32)) {
    throw new StoreError(`${key}: what it holds for ${path} is something else`);
  }
  return content;
}

/**
 * Inflates what an object holds gzip-encoded.
 * @param {string} key
 * @param {Uint8Array} encoded
 * @param {Inflate} inflate
 * @param {number} [length] that the content is to have
 */
export function inflated(key, encoded, inflate, length) {
  const opened = { size: null, body: inflate(encoded) };
  // Nothing of it is read from the bucket, it is there.
  return readAll([{ key, length, opened }], /** @type {any} */ (null));
}
