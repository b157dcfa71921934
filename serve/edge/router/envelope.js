// The twin of serve/envelope.go: a gzip file (RFC 1952) of a raw deflate stream
// as an archive has it.

/** @typedef {import("./contents.js").ContentsFile} ContentsFile */

/** Without name and time, and with OS 255 for "unknown". */
export const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

/** What gzip adds to a deflate stream, in bytes. */
export const ENVELOPE = GZIP_HEADER.length + 8;

/**
 * CRC-32 and length of what the stream inflates to.
 * @param {number} crc32
 * @param {number} size
 */
export function gzipTrailer(crc32, size) {
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc32, true);
  trailer.setUint32(4, size, true); // modulo 2^32
  return new Uint8Array(trailer.buffer);
}
