// The twin of layout/select.go: a query to its selection.

import { toBytes } from "./bytes.js";
import { filter } from "./filter.js";
import { DIGEST, PRERELEASE, SAME, UNSTABLE } from "./table.js";

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
 * them. Under the legacy rules some versions give way to any other: the
 * pre-releases, and where all versions are asked for the 0.x ones as well.
 * @param {Table} t
 * @param {Query} q
 */
function newest(t, q) {
  const passes = filter(t, q);
  const yielding = q.all ? UNSTABLE : PRERELEASE;
  /** @param {number} row */
  const preferred = (row) => passes(row) && (t.flags.at(row) & yielding) === 0;
  /** @type {number[]} */
  const out = [];
  const one = q.package === "" ? -1 : t.nameIndex(q.package);
  if (q.package !== "" && one < 0) return out;
  const firsts = t.firstRows();
  const end = q.package === "" ? t.packages : one + 1;
  for (let i = Math.max(0, one); i < end; i++) {
    const from = firsts[i];
    const to = firsts[i + 1];
    const best = q.experimental && last(t, from, to, preferred) >= 0 ? preferred : passes;
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
 * Tells whether a query shows every version, whatever there is.
 * @param {Query} q
 */
export function showsEvery(q) {
  return (
    q.all &&
    q.prerelease &&
    !q.experimental &&
    q.category + q.package + q.type === "" &&
    !(q.kibana || q.agent || q.specMin || q.specMax || q.capabilities) &&
    q.discovery.length === 0
  );
}

/**
 * What the digest of a search is the hash of.
 * @param {Table} t
 * @param {Selection} s
 */
export function named(t, { rows, kept }) {
  const title = toBytes("search 2\n");
  let cuts = "";
  if (kept.size > 0) {
    rows.forEach((row, i) => {
      const keep = kept.get(row);
      if (keep) cuts += "\n" + i + (keep.length > 0 ? ":" + keep.join(",") : "");
    });
  }
  const out = new Uint8Array(title.length + rows.length * DIGEST + cuts.length);
  out.set(title);
  let at = title.length;
  const { data } = t;
  const { from } = t.summaries;
  for (let i = 0; i < rows.length;) {
    // The digests of neighbouring rows are copied together.
    const first = rows[i];
    let n = 1;
    while (rows[i + n] === first + n) n++;
    out.set(data.subarray(from + first * DIGEST, from + (first + n) * DIGEST), at);
    at += n * DIGEST;
    i += n;
  }
  out.set(toBytes(cuts), at);
  return out;
}
