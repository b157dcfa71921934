// The parts of the catalog: read whole. They never change, and snapshots that
// follow each other share most.

import { readObject } from "./body.js";
import { Kept } from "./kept.js";
import { partKey } from "./keys.js";

/** How much is kept, in bytes: all of a catalog of a hundred thousand versions. */
const KEPT = 16 << 20;

/** @extends {Kept<Uint8Array>} */
export class Parts extends Kept {
  /** @param {import("./body.js").Bucket} bucket */
  constructor(bucket) {
    super(KEPT, async (digest) => {
      const value = await readObject(partKey(digest), bucket);
      return { value, size: value.length };
    });
  }
}
