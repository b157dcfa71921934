// The bucket by HTTP from a function, byte for byte: fetch would decode what is
// stored encoded.

import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";

import { exists, objectURL, originHeaders } from "../platform/origin.js";
import { StoreError } from "../router.js";

/** @typedef {import("../platform/origin.js").Origin} Origin */
/** @typedef {import("node:http").IncomingMessage} IncomingMessage */

/** How long the origin may be silent, in milliseconds. */
const TIMEOUT = 20_000;

const clients = {
  "http:": { request: http.request, agent: new http.Agent({ keepAlive: true }) },
  "https:": { request: https.request, agent: new https.Agent({ keepAlive: true }) },
};

/**
 * @param {() => Origin} origin asked each time: credentials are renewed
 * @returns {import("../router/body.js").Bucket}
 */
export function nodeBucket(origin) {
  /** @type {Set<string>} */
  const forbidden = new Set();
  /**
   * @param {string} method
   * @param {string} key
   * @param {number} [offset]
   * @param {number} [length]
   */
  async function ask(method, key, offset, length) {
    try {
      const to = origin();
      const url = objectURL(to, key);
      const message = await begin(method, url, await originHeaders(to, method, url, offset, length));
      if (exists(message.statusCode ?? 0, key, forbidden, offset)) return message;
      message.resume(); // frees the connection
      return null;
    } catch (e) {
      throw new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
    }
  }
  return {
    forbidden,
    async open(key, offset, length) {
      const message = await ask("GET", key, offset, length);
      return message && { size: sizeOf(message), body: /** @type {any} */ (Readable.toWeb(message)) };
    },
    async read(key) {
      const message = await ask("GET", key);
      try {
        return message && Buffer.concat(await message.toArray());
      } catch (e) {
        throw new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
      }
    },
    async stat(key) {
      const message = await ask("HEAD", key);
      message?.resume();
      return message && { size: sizeOf(message) };
    },
  };
}

/**
 * @param {string} method
 * @param {URL} url
 * @param {Record<string, string>} headers
 * @returns {Promise<IncomingMessage>}
 */
function begin(method, url, headers) {
  const { request, agent } = clients[/** @type {"http:" | "https:"} */ (url.protocol)];
  return new Promise((resolve, reject) => {
    const r = request(url, { method, headers, agent, timeout: TIMEOUT }, resolve);
    r.on("timeout", () => r.destroy(new Error("the origin does not answer")));
    r.on("error", reject);
    r.end();
  });
}

/** @param {IncomingMessage} message */
function sizeOf(message) {
  const length = message.headers["content-length"];
  return length === undefined ? null : Number(length);
}
