// The twin of layout/live.go: what an edge says of the pointer that it follows.

import { toBytes } from "./bytes.js";
import { jsonString, parseJSON } from "./json.js";
import { auditKey } from "./keys.js";

/** Where that is asked for, below the catalogue. */
export const LIVE_PATH = "-/live.json";

const FORMAT = 1;
const MOVES = 20;
const ENTRIES = 10;
const NAMES = 20;
const BRANCHES = 10;

/** The kind of the entry of a pointer that was lost, and made again. */
const RECOVER = "recover";

/**
 * What is said where no pointer is known.
 * @param {string} environment
 */
export function unknownLive(environment) {
  return toBytes(members({ format: FORMAT, environment }) + "\n");
}

/**
 * What a pointer does, and what its audit log adds, as far as that can be read.
 * @param {string} environment
 * @param {Uint8Array} pointer
 * @param {import("./body.js").Bucket} bucket
 */
export async function liveBody(environment, pointer, bucket) {
  const { snapshot, generation, pinned, moves = [] } = parseJSON(pointer);
  /** @type {Promise<any>[]} */
  const reading = [];
  for (let g = generation; g > 0 && g > generation - ENTRIES; g--) reading.push(entry(environment, g, bucket));
  const log = (await Promise.all(reading)).filter(Boolean);
  const body = members({
    format: FORMAT,
    environment,
    snapshot,
    pinned: pinned && { json: members({ by: pinned.by, reason: pinned.reason, at: pinned.at }) },
    moves: list(moves.slice(0, MOVES), (move) => described(move, log)),
  });
  return toBytes(body + "\n");
}

/**
 * An entry of the log; null if it cannot be read. An edge need not be allowed to.
 * @param {string} environment
 * @param {number} generation
 * @param {import("./body.js").Bucket} bucket
 */
async function entry(environment, generation, bucket) {
  try {
    const bytes = await bucket.read(auditKey(environment, generation));
    const a = bytes && parseJSON(bytes);
    return a && a.format === FORMAT && a.environment === environment && a.generation === generation ? a : null;
  } catch {
    return null;
  }
}

/**
 * A move, with what its entry says of it.
 * @param {any} m
 * @param {any[]} log
 */
function described(m, log) {
  const { snapshot, kind, at, by = "", reason = "", pin } = m;
  const a = log.find(
    (a) =>
      a.snapshot === snapshot &&
      a.at === at &&
      (a.by ?? "") === by &&
      (a.reason ?? "") === reason &&
      (a.kind === kind || a.kind === RECOVER),
  );
  let left = NAMES;
  let more = a?.more ?? 0;
  /** @param {string[]} [names] */
  const named = (names = []) => {
    const shown = names.slice(0, left);
    left -= shown.length;
    more += names.length - shown.length;
    return list(shown, jsonString);
  };
  const branches = list((a?.branches ?? []).slice(0, BRANCHES), ({ name, commit }) => members({ name, commit }));
  const [added, removed, changed] = [named(a?.added), named(a?.removed), named(a?.changed)];
  return members({ snapshot, kind, at, by, reason, pin, before: a?.before, branches, added, removed, changed, more });
}

/**
 * JSON that is written already.
 * @typedef {object} Written
 * @property {string} json
 */

/**
 * @template T
 * @param {T[]} values
 * @param {(value: T) => string} write
 * @returns {Written | undefined} nothing for an empty list
 */
function list(values, write) {
  if (values.length === 0) return undefined;
  return { json: `[${values.map(write).join(",")}]` };
}

/**
 * An object; members that say nothing are left out.
 * @param {Record<string, string | number | boolean | Written | undefined>} of
 */
function members(of) {
  const out = [];
  for (const [name, value] of Object.entries(of)) {
    if (!value) continue;
    const json = typeof value === "object" ? value.json : typeof value === "string" ? jsonString(value) : String(value);
    out.push(`"${name}":${json}`);
  }
  return `{${out.join(",")}}`;
}
