// Inflating, where the runtime has streams for that.

/**
 * Some runtimes have inflated already what a bucket says is gzip-encoded. No page begins as gzip does.
 * @param {Uint8Array} encoded in gzip
 * @returns {ReadableStream<Uint8Array>}
 */
export function inflate(encoded) {
  const stream = new Blob([/** @type {any} */ (encoded)]).stream();
  if (encoded[0] !== 0x1f || encoded[1] !== 0x8b) return stream;
  return stream.pipeThrough(/** @type {any} */ (new DecompressionStream("gzip")));
}
