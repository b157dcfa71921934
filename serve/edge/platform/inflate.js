// Inflating, where the runtime has streams for that.

/**
 * @param {Uint8Array} encoded in gzip
 * @returns {Promise<Uint8Array>}
 */
export async function inflate(encoded) {
  const plain = new Blob([/** @type {any} */ (encoded)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}
