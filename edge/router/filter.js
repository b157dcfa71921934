// The filters of a query, a row at a time. A filter depends on one number of a
// row, so it is evaluated once for each value that a query comes to.

import { compare } from "./semver.js";
import { EXPERIMENTAL, PRERELEASE } from "./table.js";

/** @typedef {import("./table.js").Table} Table */
/** @typedef {import("./query.js").Query} Query */
/** @typedef {import("./query.js").DiscoveryFilter} DiscoveryFilter */
/** @typedef {import("./semver.js").Version} Version */

/**
 * Step 1 of a search: tells of a row whether it passes every filter but those
 * of category and package name.
 * @param {Table} t
 * @param {Query} q
 * @returns {(row: number) => boolean}
 */
export function filter(t, q) {
  /** @type {((row: number) => boolean)[]} */
  const tests = [];
  if (q.type !== "") tests.push(once(t.type, (i) => t.head.types[i] === q.type));
  if (!q.experimental && !q.prerelease) tests.push((row) => (t.flags.at(row) & (PRERELEASE | EXPERIMENTAL)) === 0);
  const { kibana, agent, specMin, specMax, capabilities, discovery } = q;
  if (kibana) tests.push(once(t.kibana, (i) => accepts(t, i, kibana)));
  if (!q.experimental) {
    if (agent) tests.push(once(t.agent, (i) => accepts(t, i, agent)));
    if (specMin || specMax) tests.push(once(t.spec, (i) => within(t.head.specs[i], specMin, specMax)));
    if (capabilities) {
      tests.push(once(t.capability, (i) => (t.head.capabilities[i] ?? []).every((c) => capabilities.includes(c))));
    }
    if (discovery.length > 0) tests.push(once(t.discovery, (i) => discovery.every((f) => matches(f, t.head.discoveries[i]))));
  }
  return (row) => tests.every((test) => test(row));
}

/**
 * A test of a row by its number in a column, which remembers what each number
 * gave.
 * @param {{at(row: number): number}} column
 * @param {(value: number) => boolean} test
 */
function once(column, test) {
  /** @type {(boolean | undefined)[]} */
  const known = [];
  return (/** @type {number} */ row) => {
    const value = column.at(row);
    return (known[value] ??= test(value));
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
