// The twin of layout/place.go: a file that is no object, out of its archive.

import { readAll } from "./body.js";
import { GZIP_HEADER, gzipTrailer } from "./envelope.js";
import { StoreError } from "./errors.js";
import { digestOf } from "./keys.js";

/**
 * Makes bytes plain that are stored gzip-encoded, as they are read.
 * @typedef {(encoded: Uint8Array) => ReadableStream<Uint8Array>} Inflate
 */

/** The twin of layout.LargestArchived, in bytes: what is no larger may be kept in memory. */
const LARGEST_ARCHIVED = 512 << 10;

/**
 * The content of a file, which is never large.
 * @param {string} key of the archive
 * @param {import("./contents.js").ContentsFile} file
 * @param {import("./handler.js").Site} site
 */
export async function archived(key, file, site) {
  const { size, stored, deflate } = file;
  return judged(key, file, site, async () =>
    deflate
      ? inflated(key, await readAll(gzipPieces(key, file), site.bucket), site.inflate, size)
      : readAll([{ key, offset: stored, length: size }], site.bucket),
  );
}

/**
 * The gzip-encoded form of a file, of which the archive has the stream: as pieces.
 * @param {string} key of the archive
 * @param {import("./contents.js").ContentsFile} file
 * @returns {import("./body.js").Piece[]}
 */
export function gzipPieces(key, { size, deflate }) {
  const { offset, size: length, crc32 } = /** @type {NonNullable<typeof deflate>} */ (deflate);
  return [GZIP_HEADER, { key, offset, length }, gzipTrailer(crc32, size)];
}

/**
 * Reports whether the gzip-encoded form of a file can be judged before it is sent.
 * What is larger streams, and its client finds by the trailer what is wrong with it.
 * @param {number} size of the file
 * @param {number} encoded of the stream
 */
export function judgeable(size, encoded) {
  return Math.max(size, encoded) <= LARGEST_ARCHIVED;
}

/**
 * The gzip-encoded form of a file, in memory. It is inflated to be judged, and sent as
 * it is.
 * @param {string} key of the archive
 * @param {import("./contents.js").ContentsFile} file
 * @param {import("./handler.js").Site} site
 */
export async function archivedGzip(key, file, site) {
  /** @type {Uint8Array} */
  let encoded = GZIP_HEADER;
  await judged(key, file, site, async () => {
    encoded = await readAll(gzipPieces(key, file), site.bucket);
    return inflated(key, encoded, site.inflate, file.size);
  });
  return encoded;
}

/**
 * What read gives, if it is the content of the file.
 * @param {string} key of the archive
 * @param {import("./contents.js").ContentsFile} file
 * @param {import("./handler.js").Site} site
 * @param {() => Promise<Uint8Array>} read
 */
async function judged(key, { path, sha256 }, { sha256: hash }, read) {
  let content;
  try {
    content = await read();
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
