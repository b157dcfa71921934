// The twin of layout/keys.go and escape.go: where objects lie in the bucket.

import { toBytes } from "./bytes.js";

/** @typedef {import("./table.js").Revision} Revision */

/**
 * The SHA-256 of bytes, as the platform has it.
 * @typedef {(bytes: Uint8Array) => Promise<Uint8Array>} Hash
 */

/** @param {string} name */
export function validPackageName(name) {
  return /^[a-z0-9_]{1,200}$/.test(name);
}

/** @param {string} id */
export function validSnapshot(id) {
  return /^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}$/.test(id);
}

/** @param {string} env */
export function pointerKey(env) {
  return `environments/${env}.json`;
}

/**
 * @param {string} env
 * @param {number} generation
 */
export function auditKey(env, generation) {
  return `audit/${env}/${String(generation).padStart(12, "0")}.json`;
}

/**
 * @param {string} env
 * @param {string} id
 */
export function routesKey(env, id) {
  return `snapshots/${env}/${id}/routes.json`;
}

/** @param {string} digest */
export function responseKey(digest) {
  return `responses/${digest}.json`;
}

/**
 * Where a page of the catalogue lies.
 * @param {string} digest
 */
export function pageKey(digest) {
  return `responses/${digest}.page`;
}

/**
 * Where a part of the catalog lies.
 * @param {string} digest
 */
export function partKey(digest) {
  return `responses/${digest}.part`;
}

export const GZIP_SUFFIX = ".gz";

/** The size in bytes from which a response has an encoded form. A search is kept only so then. */
export const MIN_GZIP = 1 << 10;

/**
 * The digest of content: the first half of its SHA-256.
 * @param {Uint8Array} content
 * @param {Hash} sha256
 */
export async function digestOf(content, sha256) {
  return hex(await sha256(content), 16);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} n
 */
function hex(bytes, n) {
  let out = "";
  for (let i = 0; i < n; i++) out += bytes[i].toString(16).padStart(2, "0");
  return out;
}

/**
 * @param {Revision} r
 * @param {Hash} sha256
 */
async function prefix(r, sha256) {
  return `packages/${r.name}/${await escapeElement(r.version, sha256)}/${r.id}/`;
}

/**
 * Where the package's zip archive lies.
 * @param {Revision} r
 * @param {Hash} sha256
 */
export async function archiveKey(r, sha256) {
  return (await prefix(r, sha256)) + (await escapeElement(`${r.name}-${r.version}.zip`, sha256));
}

/**
 * Where the archive's detached signature lies.
 * @param {Revision} r
 * @param {Hash} sha256
 */
export async function signatureKey(r, sha256) {
  return (await archiveKey(r, sha256)) + ".sig";
}

/**
 * Where the list of the package's files lies.
 * @param {Revision} r
 * @param {Hash} sha256
 */
export async function contentsKey(r, sha256) {
  return (await prefix(r, sha256)) + "contents.json";
}

/**
 * Where a file of the package lies.
 * @param {Revision} r
 * @param {string} path a byte string
 * @param {Hash} sha256
 */
export async function fileKey(r, path, sha256) {
  const elements = await Promise.all(path.split("/").map((e) => escapeElement(e, sha256)));
  return (await prefix(r, sha256)) + "files/" + elements.join("/");
}

/** The longest element of a key, and how much of a longer one is kept, in bytes. */
const LONGEST = 220;
const ABBREVIATED = 160;

/**
 * @param {string} element a byte string
 * @param {Hash} sha256
 */
async function escapeElement(element, sha256) {
  let s = element.replace(
    /[^A-Za-z0-9._,-]/g,
    (c) => "=" + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"),
  );
  if (/^\.*$/.test(element)) s = s.replaceAll(".", "=2E");
  else s = s.replace(/\.attrs$/, "=2Eattrs");
  if (s.length <= LONGEST) return s;
  // Not through an escape: what is left must still read as one.
  const cut = s[ABBREVIATED - 1] === "=" ? ABBREVIATED - 1 : s[ABBREVIATED - 2] === "=" ? ABBREVIATED - 2 : ABBREVIATED;
  return s.slice(0, cut) + "=-" + hex(await sha256(toBytes(element)), 16);
}
