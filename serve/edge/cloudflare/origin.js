// The bucket by fetch.

import { exists, objectURL, originHeaders } from "../platform/origin.js";
import { StoreError } from "../router.js";

/** @typedef {import("../platform/origin.js").Origin} Origin */

/** How long the origin may take to begin an answer, in milliseconds. */
const TIMEOUT = 20_000;

/**
 * @param {Origin} origin
 * @returns {import("../router/body.js").Bucket}
 */
export function originBucket(origin) {
  /** @type {Set<string>} */
  const forbidden = new Set();
  /**
   * @param {string} method
   * @param {string} key
   * @param {number} [offset]
   * @param {number} [length]
   */
  async function ask(method, key, offset, length) {
    const url = objectURL(origin, key);
    const headers = await originHeaders(origin, method, url, offset, length);
    // An encoded twin is asked for as it is stored: Google Cloud Storage would
    // decode it for those who do not say that they take gzip.
    headers["accept-encoding"] = key.endsWith(".gz") ? "gzip" : "identity";
    // And what is stored encoded comes as it is: it is judged, and sent so.
    const encodeResponseBody = key.endsWith(".gz") ? "manual" : "automatic";
    // All but pointers never change, and Cloudflare may keep them as long as
    // they say of themselves.
    const cf = { cacheEverything: !key.startsWith("environments/") };
    let response;
    try {
      response = await within(TIMEOUT, (signal) =>
        fetch(url, /** @type {any} */ ({ method, headers, cf, signal, encodeResponseBody, redirect: "manual" })),
      );
      if (exists(response.status, key, forbidden, offset)) return response;
    } catch (e) {
      throw new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
    }
    await response.body?.cancel();
    return null;
  }
  /**
   * @param {Response} response
   * @param {string} key
   */
  const sizeOf = (response, key) => {
    const length = response.headers.get("content-length");
    // Of what the origin encoded on the way this is not the object's.
    return length === null || (encoded(response) && !key.endsWith(".gz")) ? null : Number(length);
  };
  return {
    forbidden,
    async open(key, offset, length) {
      const response = await ask("GET", key, offset, length);
      if (!response) return null;
      const body = response.body ?? new Blob([]).stream();
      return { size: sizeOf(response, key), body, encoded: encoded(response) && !key.endsWith(".gz") };
    },
    async read(key) {
      const response = await ask("GET", key);
      try {
        return response && new Uint8Array(await response.arrayBuffer());
      } catch (e) {
        throw new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
      }
    },
    async stat(key) {
      const response = await ask("HEAD", key);
      return response && { size: sizeOf(response, key) };
    },
  };
}

/** @param {Response} response */
function encoded(response) {
  return response.headers.get("content-encoding") === "gzip";
}

/**
 * Runs a task that must begin to answer within a time; its stream may take longer.
 * @template T
 * @param {number} milliseconds
 * @param {(signal: AbortSignal) => Promise<T>} task
 */
async function within(milliseconds, task) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error("the origin does not answer")), milliseconds);
  try {
    return await task(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}
