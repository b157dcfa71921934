// The filters of a query, a row at a time. A filter depends on one number of a
// row, so it is evaluated once for each value that a query comes to.

import { compare } from "./semver.js";
import { EXPERIMENTAL, FLAGS, PRERELEASE } from "./table.js";

/** @typedef {import("./table.js").Table} Table */
/** @typedef {import("./table.js").Numbers} Numbers */
/** @typedef {import("./query.js").Query} Query */
/** @typedef {import("./query.js").DiscoveryFilter} DiscoveryFilter */
/** @typedef {import("./semver.js").Version} Version */

const PASSES = 1;
const FAILS = 2;

/**
 * A test of a row by its number in a column, and what is known of each number:
 * by its one or two digits as they are in the file, so that nothing is decoded
 * to look it up. Most rows are looked at before the code is compiled.
 * @typedef {object} Test
 * @property {Numbers} column
 * @property {number} from
 * @property {number} width
 * @property {(value: number) => boolean} passes
 * @property {Uint8Array} known
 */

/**
 * Step 1 of a search: tells of a row whether it passes every filter but those
 * of category and package name.
 * @param {Table} t
 * @param {Query} q
 * @returns {(row: number) => boolean}
 */
export function filter(t, q) {
  const { head } = t;
  /** @type {Test[]} */
  const tests = [];
  /**
   * @param {Numbers} column
   * @param {number} values how many there are
   * @param {(value: number) => boolean} passes
   */
  const add = (column, values, passes) => {
    const { from, width } = column;
    tests.push({ column, from, width, passes, known: new Uint8Array(width > 2 ? values : 1 << (7 * width)) });
  };
  if (q.type !== "") add(t.type, head.types.length, (i) => head.types[i] === q.type);
  if (!q.experimental && !q.prerelease) add(t.flags, FLAGS, (flags) => (flags & (PRERELEASE | EXPERIMENTAL)) === 0);
  const { kibana, agent, specMin, specMax, capabilities, discovery } = q;
  if (kibana) add(t.kibana, head.constraints.length, (i) => accepts(t, i, kibana));
  if (!q.experimental) {
    if (agent) add(t.agent, head.constraints.length, (i) => accepts(t, i, agent));
    if (specMin || specMax) add(t.spec, head.specs.length, (i) => within(head.specs[i], specMin, specMax));
    if (capabilities) {
      add(t.capability, head.capabilities.length, (i) =>
        (head.capabilities[i] ?? []).every((c) => capabilities.includes(c)),
      );
    }
    if (discovery.length > 0) {
      add(t.discovery, head.discoveries.length, (i) => discovery.every((f) => matches(f, head.discoveries[i])));
    }
  }
  const { data } = t;
  return (row) => {
    for (let i = 0; i < tests.length; i++) {
      const { from, width, known, column } = tests[i];
      const at = from + row * width;
      const digits = width === 1 ? data[at] : width === 2 ? (data[at] << 7) | data[at + 1] : column.at(row);
      const k = known[digits] || (known[digits] = tests[i].passes(column.at(row)) ? PASSES : FAILS);
      if (k === FAILS) return false;
    }
    return true;
  };
}

/**
 * @param {Table} t
 * @param {number} constraint
 * @param {Version} v
 */
function accepts(t, constraint, v) {
  return constraint === 0 || t.test(constraint).accepts(v);
}

/**
 * Tells whether a spec version lies within the bounds, both included.
 * @param {{major: number, minor: number}} spec
 * @param {Version | null} least
 * @param {Version | null} most
 */
function within(spec, least, most) {
  const v = { major: String(spec.major), minor: String(spec.minor), patch: "0", pre: [] };
  return (!least || compare(v, least) >= 0) && (!most || compare(v, most) <= 0);
}

/**
 * @param {DiscoveryFilter} f
 * @param {import("./table.js").Discovery} d
 */
function matches(f, d) {
  if (f.kind === "datasets") return (d.datasets ?? []).some((s) => f.list.includes(s));
  return (d.fields ?? []).length > 0 && (d.fields ?? []).every((s) => f.list.includes(s));
}
