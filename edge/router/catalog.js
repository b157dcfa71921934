// The twin of layout/catalog.go and serve/assemble.go: a search response that
// was not rendered ahead, put together from parts of the catalog.

import { fromBytes, toBytes } from "./bytes.js";
import { StoreError } from "./errors.js";
import { keepTemplates } from "./fragment.js";
import { responseKey } from "./keys.js";

/** @typedef {import("./table.js").Table} Table */
/** @typedef {import("./select.js").Selection} Selection */
/** @typedef {import("./body.js").Piece} Piece */

const OPEN = toBytes("[\n");
export const SEPARATOR = toBytes(",\n");
const CLOSE = toBytes("\n]\n");

/**
 * A run of the catalog that an answer has: bytes from <= i < to, which are
 * neighbouring summaries with what separates them, or one that is cut.
 * @typedef {object} Run
 * @property {number} from
 * @property {number} to
 * @property {number[]} [keep] the policy templates that are left of it
 */

/**
 * How many bytes between two runs are cheaper to read than to ask once more:
 * one request after the other takes tens of milliseconds each.
 */
const GAP = 1 << 20;

/**
 * How many requests are made of the bucket for one answer: platforms bound
 * them. Beyond that the smallest gaps are read and thrown away.
 */
const READS = 16;

/**
 * The body of a search response.
 * @param {Table} t
 * @param {Selection} s
 * @returns {Piece[]}
 */
export function assemble(t, s) {
  const key = responseKey(t.head.catalog);
  // Every version, uncut, is the catalog itself.
  if (s.rows.length === t.rows && s.kept.size === 0) return [{ key, length: t.catalogPlaces()[t.rows] + 1 }];
  /** @type {Piece[]} */
  const pieces = [OPEN];
  for (const runs of reads(runsOf(t, s))) {
    if (pieces.length > 1) pieces.push(SEPARATOR);
    const offset = runs[0].from;
    pieces.push({ key, offset, length: runs[runs.length - 1].to - offset, runs });
  }
  return [...pieces, CLOSE];
}

/**
 * @param {Table} t
 * @param {Selection} s
 */
function runsOf(t, s) {
  const places = t.catalogPlaces();
  /** @type {Run[]} */
  const runs = [];
  let before = -2;
  for (const row of s.rows) {
    const keep = s.kept.get(row);
    const last = runs[runs.length - 1];
    const to = places[row + 1] - SEPARATOR.length;
    if (row === before + 1 && !keep && !last.keep) last.to = to;
    else runs.push({ from: places[row], to, keep });
    before = row;
  }
  return runs;
}

/**
 * Groups runs by the read that has them.
 * @param {Run[]} runs
 */
function reads(runs) {
  const gaps = runs.slice(1).map((r, i) => r.from - runs[i].to);
  const sorted = [...gaps].sort((a, b) => b - a);
  const limit = Math.max(GAP, sorted[READS - 1] ?? 0);
  /** @type {Run[][]} */
  const out = [];
  runs.forEach((run, i) => {
    if (i > 0 && gaps[i - 1] <= limit) out[out.length - 1].push(run);
    else out.push([run]);
  });
  return out;
}

/**
 * What an answer has of a part of the catalog, as it arrives.
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {number} offset of the part
 * @param {Run[]} runs
 */
export async function* cutOut(chunks, offset, runs) {
  let i = 0;
  let at = offset;
  /** @type {string} */
  let held = ""; // of a summary that is to be cut
  for await (const chunk of chunks) {
    const end = at + chunk.length;
    while (i < runs.length && runs[i].from < end) {
      const run = runs[i];
      if (run.from >= at && i > 0) yield SEPARATOR;
      const part = chunk.subarray(Math.max(run.from, at) - at, Math.min(run.to, end) - at);
      if (run.keep) held += fromBytes(part);
      else yield part;
      if (run.to > end) break;
      if (run.keep) yield toBytes(keepTemplates(held, run.keep));
      held = "";
      i++;
    }
    at = end;
  }
  if (i < runs.length) throw new StoreError(`the catalog ends at byte ${at}, before a summary at ${runs[i].from}`);
}

/**
 * The length of what runs give; undefined if it is not known before they are cut.
 * @param {Run[]} runs
 */
export function runsLength(runs) {
  if (runs.some((r) => r.keep)) return undefined;
  return runs.reduce((n, r) => n + r.to - r.from, 0) + SEPARATOR.length * (runs.length - 1);
}
