// The twin of layout/contents.go: the files of a package revision.

import { parseJSON } from "./json.js";

/** @typedef {{size: number, sha256: string}} ObjectDigest */

/**
 * @typedef {object} ContentsFile
 * @property {string} path
 * @property {number} size
 * @property {string} sha256
 * @property {string} type
 * @property {boolean} [object] the file is an object of its own
 * @property {{offset: number, size: number, crc32: number}} [deflate] where the
 *   archive holds the file as a raw deflate stream
 * @property {number} [stored] where the archive holds a file as it is that is no
 *   object
 */

/**
 * @typedef {object} Contents
 * @property {number} format
 * @property {ObjectDigest} archive
 * @property {ObjectDigest} [signature]
 * @property {ContentsFile[]} files
 */

/** Of lists whose files are objects each, and of those that say which are. */
const OBJECTS = 1;
const FORMAT = 2;

/**
 * @param {Uint8Array} data
 * @returns {Contents}
 */
export function parseContents(data) {
  const c = parseJSON(data);
  if (c.format !== FORMAT && c.format !== OBJECTS)
    throw new Error(`contents: format ${c.format} is not known to this edge (want ${FORMAT})`);
  return c;
}

/**
 * Reports whether a file is an object of its own.
 * @param {Contents} contents
 * @param {ContentsFile} file
 */
export function own({ format }, { object }) {
  return format === OBJECTS || object === true;
}
