// The twin of layout/contents.go: the files of a package revision.

import { parseJSON } from "./json.js";

/** @typedef {{size: number, sha256: string}} ObjectDigest */

/**
 * @typedef {object} ContentsFile
 * @property {string} path
 * @property {number} size
 * @property {string} sha256
 * @property {string} type
 * @property {{offset: number, size: number, crc32: number}} [deflate] where the
 *   archive holds the file as a raw deflate stream
 */

/**
 * @typedef {object} Contents
 * @property {number} format
 * @property {ObjectDigest} archive
 * @property {ObjectDigest} [signature]
 * @property {ContentsFile[]} files
 */

const FORMAT = 1;

/**
 * @param {Uint8Array} data
 * @returns {Contents}
 */
export function parseContents(data) {
  const c = parseJSON(data);
  if (c.format !== FORMAT) throw new Error(`contents: format ${c.format} is not known to this edge (want ${FORMAT})`);
  return c;
}
