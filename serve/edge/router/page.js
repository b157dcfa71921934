// The twin of serve/page.go and layout/site.go: pages of the catalogue for people.

import { readNamed } from "./body.js";
import { parseJSON } from "./json.js";
import { Kept } from "./kept.js";
import { pageKey } from "./keys.js";

/**
 * The pages of a snapshot's catalogue.
 * @typedef {object} Pages
 * @property {string} script the hash of the one script
 * @property {Record<string, string>} pages by their paths
 * @property {Record<string, {list: string, pages: Record<string, string>}>} packages
 */

/** How much is kept of pages that list others, in bytes before they are parsed. */
const KEPT = 4 << 20;

/**
 * Pages that list others, parsed.
 * @extends {Kept<any>}
 */
export class Lists extends Kept {
  /**
   * @param {import("./body.js").Bucket} bucket
   * @param {import("./keys.js").Hash} sha256
   */
  constructor(bucket, sha256) {
    super(KEPT, async (digest) => {
      const bytes = await readNamed(pageKey(digest), digest, bucket, sha256);
      return { value: parseJSON(bytes), size: bytes.length };
    });
  }
}

/**
 * Finds the page at a path below the catalogue; null if it is missing.
 * @param {Pages} site
 * @param {string} path
 * @param {Lists} lists
 * @returns {Promise<string | null>} its digest
 */
export async function findPage(site, path, lists) {
  const own = entry(site.pages, path);
  if (own) return own;
  const slash = path.indexOf("/");
  const of = slash < 0 ? null : entry(site.packages, path.slice(0, slash));
  if (!of) return null;
  const rest = path.slice(slash + 1);
  const page = entry(of.pages, rest);
  if (page) return page;
  if (rest === "versions.json") return of.list;
  if (!rest.endsWith("/")) return null;
  /** @type {{versions: {version: string, page: string}[]}} */
  const { versions } = await lists.get(of.list);
  return versions.find((v) => v.version === rest.slice(0, -1))?.page ?? null;
}

/**
 * The page for people who ask for what is not there; null if it is too deep.
 * @param {Pages} site
 * @param {string} path
 */
export function missingPage(site, path) {
  return entry(site.pages, `404 ${path.split("/").length - 1}`);
}

/**
 * @template T
 * @param {Record<string, T>} of
 * @param {string} name
 * @returns {T | null}
 */
function entry(of, name) {
  return Object.prototype.hasOwnProperty.call(of, name) ? of[name] : null;
}

/**
 * The hash of the style, which its path says; empty for a catalogue whose pages have none
 * in them.
 * @param {Pages} site
 */
function styleHash(site) {
  for (const path of Object.keys(site.pages)) {
    const name = /^-\/([0-9a-f]{64})\.css$/.exec(path);
    if (name) {
      const bytes = name[1].replace(/../g, (hex) => String.fromCharCode(parseInt(hex, 16)));
      return ` 'sha256-${btoa(bytes)}'`;
    }
  }
  return "";
}

/** @param {Pages} site */
export function pagePolicy(site) {
  return (
    `default-src 'none'; img-src 'self'; style-src 'self'${styleHash(site)}; script-src '${site.script}'; ` +
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
  );
}

/** That of a file of a package which a browser opens by itself. */
export const FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
