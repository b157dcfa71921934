// Inflating, where the runtime has streams for that.

/**
 * Some runtimes have inflated already what a bucket says is gzip-encoded. No page begins as gzip does.
 * @param {Uint8Array} encoded in gzip
 * @returns {Promise<Uint8Array>}
 */
export async function inflate(encoded) {
  if (encoded[0] !== 0x1f || encoded[1] !== 0x8b) return encoded;
  const plain = new Blob([/** @type {any} */ (encoded)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}
