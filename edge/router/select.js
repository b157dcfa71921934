// The twin of layout/select.go: a query to its selection.

import { filter } from "./filter.js";
import { DIGEST, SAME, UNSTABLE } from "./table.js";

/** @typedef {import("./table.js").Table} Table */
/** @typedef {import("./query.js").Query} Query */

/**
 * The answer to a search before it is written down.
 * @typedef {object} Selection
 * @property {number[]} rows in order
 * @property {Map<number, number[]>} kept the policy templates that remain, by
 *   position, of the rows whose entry is cut
 */

/**
 * Evaluates a query; for a counting one it gives what is counted.
 * @param {Table} t
 * @param {Query} q
 * @returns {Selection}
 */
export function select(t, q) {
  return pick(t, newest(t, q), q.category);
}

/**
 * Steps 1 and 2: of each name the newest row that passes the filters, or all of
 * them. Under the legacy rules a released version beats any that is a
 * pre-release or 0.x, and drives those out where all versions are asked for.
 * @param {Table} t
 * @param {Query} q
 */
function newest(t, q) {
  const passes = filter(t, q);
  /** @param {number} row */
  const released = (row) => passes(row) && (t.flags.at(row) & UNSTABLE) === 0;
  /** @type {number[]} */
  const out = [];
  const one = q.package === "" ? -1 : t.nameIndex(q.package);
  const end = q.package === "" ? t.packages : one + 1;
  for (let i = Math.max(0, one); i < end; i++) {
    const from = t.starts.at(i);
    const to = t.end(i);
    const best = q.experimental && last(t, from, to, released) >= 0 ? released : passes;
    if (q.all) {
      for (let row = from; row < to; row++) if (best(row)) out.push(row);
    } else {
      const row = last(t, from, to, best);
      if (row >= 0) out.push(row);
    }
  }
  return out;
}

/**
 * The last row that passes; of versions that differ only in build metadata,
 * which has no precedence, the first. -1 if none passes.
 * @param {Table} t
 * @param {number} from
 * @param {number} to
 * @param {(row: number) => boolean} passes
 */
function last(t, from, to, passes) {
  let row = to - 1;
  while (row >= from && !passes(row)) row--;
  if (row < from) return -1;
  let first = row;
  for (let r = row; r > from && (t.flags.at(r) & SAME) !== 0; r--) if (passes(r - 1)) first = r - 1;
  return first;
}

/**
 * Step 3: only the rows that have the category; "" is no filter.
 * @param {Table} t
 * @param {number[]} rows
 * @param {string} category
 * @returns {Selection}
 */
function pick(t, rows, category) {
  /** @type {Selection} */
  const s = { rows, kept: new Map() };
  if (category === "") return s;
  s.rows = rows.filter((row) => {
    if (t.hasCategory(t.head.labels[t.label.at(row)], category)) return true;
    const templates = t.head.templates[t.template.at(row)] ?? [];
    if (!templates.some((p) => t.hasCategory(p.categories, category))) return false;
    // A policy template counts here only with exactly this category.
    const keep = [...templates.keys()].filter((i) => templates[i].categories?.includes(category));
    if (keep.length < templates.length) s.kept.set(row, keep);
    return true;
  });
  return s;
}

/**
 * What the digest of a search is the hash of.
 * @param {Table} t
 * @param {Selection} s
 */
export function named(t, s) {
  const title = "search 1\n";
  const cuts = new Map([...s.kept].map(([row, keep]) => [row, ":" + keep.join(",")]));
  let size = title.length + s.rows.length * (DIGEST + 1);
  for (const text of cuts.values()) size += text.length;
  const out = new Uint8Array(size);
  let at = 0;
  /** @param {string} text */
  const write = (text) => {
    for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i);
  };
  write(title);
  const { data } = t;
  const { from } = t.summaries;
  for (const row of s.rows) {
    out.set(data.subarray(from + row * DIGEST, from + (row + 1) * DIGEST), at);
    at += DIGEST;
    if (cuts.size > 0) write(cuts.get(row) ?? "");
    out[at++] = 10;
  }
  return out;
}
