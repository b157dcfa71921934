// The twin of layout/ranges.go: version constraints as intervals.

import { compare, parseStrict } from "./semver.js";

/** @typedef {import("./semver.js").Version} Version */

/**
 * A constraint as routes.json has it: the half-open intervals that it accepts,
 * of released versions and of those with a pre-release part.
 * @typedef {object} Ranges
 * @property {Interval[]} [release]
 * @property {Interval[]} [pre]
 */

/** @typedef {{from: string, to?: string}} Interval */

/** @typedef {{from: Version, to: Version | null}} Bounds */

/** A constraint that is ready for looking versions up. */
export class RangeTest {
  /** @param {Ranges} ranges */
  constructor(ranges) {
    this.release = bounds(ranges.release);
    this.pre = bounds(ranges.pre);
  }

  /** @param {Version} v */
  accepts(v) {
    const list = v.pre.length > 0 ? this.pre : this.release;
    return list.some((b) => compare(v, b.from) >= 0 && (b.to === null || compare(v, b.to) < 0));
  }
}

/**
 * @param {Interval[]} [list]
 * @returns {Bounds[]}
 */
function bounds(list = []) {
  return list.map(({ from, to }) => ({ from: parseStrict(from), to: to ? parseStrict(to) : null }));
}
