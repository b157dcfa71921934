// The bucket as a binding of Cloudflare R2.

import { StoreError } from "../router.js";

/**
 * What is used of a binding.
 * @typedef {object} R2Bucket
 * @property {(key: string, options?: {range: {offset: number, length: number}}) => Promise<{size: number, body: ReadableStream<Uint8Array>, arrayBuffer(): Promise<ArrayBuffer>} | null>} get
 * @property {(key: string) => Promise<{size: number} | null>} head
 */

/**
 * @param {R2Bucket} r2
 * @returns {import("../router/body.js").Bucket}
 */
export function r2Bucket(r2) {
  return {
    async open(key, offset, length) {
      const range = offset === undefined ? undefined : { range: { offset, length: Number(length) } };
      const object = await r2.get(key, range).catch(fails(key));
      return object && { size: range ? Number(length) : object.size, body: object.body };
    },
    async read(key) {
      const object = await r2.get(key).catch(fails(key));
      return object && new Uint8Array(await object.arrayBuffer().catch(fails(key)));
    },
    stat: (key) => r2.head(key).catch(fails(key)),
  };
}

/**
 * @param {string} key
 * @returns {(e: unknown) => never}
 */
function fails(key) {
  return (e) => {
    throw new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
  };
}
