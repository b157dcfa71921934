// What never changes and is read often, kept in memory as far as there is room.

/**
 * Values by the digests of what they were made from.
 * @template T
 */
export class Kept {
  /**
   * @param {number} most how much is kept, in bytes
   * @param {(digest: string) => Promise<{value: T, size: number}>} load
   */
  constructor(most, load) {
    this.most = most;
    this.load = load;
    /** @type {Map<string, {value: T, size: number}>} what was used last comes last */
    this.kept = new Map();
    this.bytes = 0;
  }

  /**
   * @param {string} digest
   * @returns {Promise<T>}
   */
  async get(digest) {
    const kept = this.kept.get(digest);
    if (kept) {
      this.kept.delete(digest);
      this.kept.set(digest, kept);
      return kept.value;
    }
    const loaded = await this.load(digest);
    if (!this.kept.has(digest)) {
      this.kept.set(digest, loaded);
      this.bytes += loaded.size;
    }
    for (const [oldest, { size }] of this.kept) {
      if (this.bytes <= this.most) break;
      this.kept.delete(oldest);
      this.bytes -= size;
    }
    return loaded.value;
  }
}
