// A bucket behind a URL: that of S3, Google Cloud Storage or any server of
// files, open to everybody or by signed requests.

import { signed } from "./sigv4.js";

/** @typedef {import("./sigv4.js").Credentials} Credentials */

/**
 * @typedef {object} Origin
 * @property {string} url of the bucket, without a slash at the end
 * @property {string} region that requests are signed for
 * @property {Credentials | null} credentials null sends requests unsigned
 */

/**
 * The address of an object.
 * @param {Origin} origin
 * @param {string} key
 */
export function objectURL(origin, key) {
  return new URL(`${origin.url}/${key.split("/").map(encodeURIComponent).join("/")}`);
}

/**
 * The headers to ask for an object, or for a part of it.
 * @param {Origin} origin
 * @param {string} method
 * @param {URL} url
 * @param {number} [offset]
 * @param {number} [length]
 */
export async function originHeaders(origin, method, url, offset, length) {
  /** @type {Record<string, string>} */
  const headers = origin.credentials ? await signed(method, url, origin.region, origin.credentials, new Date()) : {};
  if (offset !== undefined) headers.range = `bytes=${offset}-${offset + Number(length) - 1}`;
  return headers;
}

/** How many keys are remembered of which an origin said 403. */
const REMEMBERED = 100;

/**
 * Tells from the status of an origin's answer whether the object is there. To
 * those who may not list a bucket S3 says 403 of what does not exist, so both are
 * taken for that; of what must be there the log says which it was.
 * @param {number} status
 * @param {string} key
 * @param {Set<string>} forbidden the keys of which the origin said 403 last
 * @param {number} [offset] if a part was asked for
 */
export function exists(status, key, forbidden, offset) {
  forbidden.delete(key);
  if (status === 403) {
    if (forbidden.size >= REMEMBERED) forbidden.clear();
    forbidden.add(key);
  }
  if (status === 404 || status === 403) return false;
  const want = offset === undefined ? 200 : 206;
  if (status !== want) throw new Error(`the origin says ${status}, want ${want}`);
  return true;
}
