// The parts of the catalog: read whole, and kept in memory as far as there is
// room. They never change, and snapshots that follow each other share most.

import { readObject } from "./body.js";
import { partKey } from "./keys.js";

/** @typedef {import("./body.js").Bucket} Bucket */

/** How much is kept, in bytes: all of a catalog of a hundred thousand versions. */
const KEPT = 16 << 20;

export class Parts {
  /** @param {Bucket} bucket */
  constructor(bucket) {
    this.bucket = bucket;
    /** @type {Map<string, Uint8Array>} what was used last comes last */
    this.kept = new Map();
    this.bytes = 0;
  }

  /**
   * @param {string} digest
   * @returns {Promise<Uint8Array>}
   */
  async get(digest) {
    const kept = this.kept.get(digest);
    if (kept) {
      this.kept.delete(digest);
      this.kept.set(digest, kept);
      return kept;
    }
    const part = await readObject(partKey(digest), this.bucket);
    if (!this.kept.has(digest)) {
      this.kept.set(digest, part);
      this.bytes += part.length;
    }
    for (const [oldest, { length }] of this.kept) {
      if (this.bytes <= KEPT) break;
      this.kept.delete(oldest);
      this.bytes -= length;
    }
    return part;
  }
}
