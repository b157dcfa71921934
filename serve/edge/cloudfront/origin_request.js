// What CloudFront does not have is decided here: an answer that is small is
// given at once; a file, an archive and a large response are fetched from the
// bucket by CloudFront itself, at the key that the request is rewritten to.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

import { failed, misdirected } from "../platform/errors.js";
import { Previews } from "../platform/previews.js";
import { Live, NoPreview } from "../platform/snapshot.js";
import { Assembly, handle, readAll, refuse, warmUp } from "../router.js";
import { utf8 } from "../router/bytes.js";
import { gzipped } from "../router/conditional.js";
import { acceptsGzip } from "../router/encoding.js";
import { nodeBucket } from "./bucket.js";
import { ANSWER_HEADER, eventSize, header, headersOf, LONGEST, response } from "./event.js";

/** @typedef {import("../router/body.js").Piece} Piece */
/** @typedef {import("../router/handler.js").Reply} Reply */
/** @typedef {import("./event.js").CloudFrontRequest} CloudFrontRequest */
/** @typedef {import("./event.js").CloudFrontResponse} CloudFrontResponse */
/** @typedef {import("./event.js").Event} Event */

/**
 * What a bundle is made for. The platform has no variables, so all of it is in
 * the code.
 * @typedef {object} OwnConfig
 * @property {string} environment
 * @property {number} pointerSeconds for how long the pointer need not be looked
 *   at again
 * @property {string} origin the bucket's URL
 * @property {string} [region] that requests are signed for
 * @property {string} [fallback] the host of a `regsnap serve`, for answers that
 *   are larger than a function may send
 */

/** @typedef {OwnConfig & import("../platform/previews.js").Config} Config */

/**
 * The header in which the viewer-request function hands on the host that a client asked:
 * the Host of a request to the origin is the bucket's.
 */
const HOST_HEADER = "x-regsnap-host";

/** The headers by which ranges and dates of objects are asked for, which is between CloudFront and the bucket. */
const BETWEEN = ["range", "if-range", "if-modified-since"];

/**
 * The longest answer that is put together here, in bytes: encoded it is about a
 * tenth of that, and in memory a few times.
 */
const ASSEMBLED = 8 << 20;

/** @param {Config} config */
export function originRequest(config) {
  void warmUp();
  const bucket = nodeBucket(() => ({
    url: config.origin,
    region: config.region ?? "us-east-1",
    credentials: credentials(),
  }));
  const live = new Live(config.environment, config.pointerSeconds, bucket, sha256);
  const previews = new Previews(config, bucket, sha256);
  /**
   * @param {Event} event
   * @returns {Promise<CloudFrontRequest | CloudFrontResponse>}
   */
  return async (event) => {
    const { request } = event.Records[0].cf;
    const target = utf8(request.uri + (request.querystring ? "?" + request.querystring : ""));
    // CloudFront leaves out the body of an answer to HEAD, and counts it before.
    const method = request.method === "HEAD" ? "GET" : request.method;
    const host = request.headers[HOST_HEADER]?.[0]?.value ?? "";
    const name = previews.match(host);
    try {
      const followed = name === undefined ? live : await previews.live(name);
      const site = await followed.site();
      for (const hidden of [BETWEEN, [...BETWEEN, "accept-encoding"]]) {
        const headers = headersOf(request.headers, hidden);
        const reply = await handle({ method, target, headers }, site);
        const key = await forwardedKey(reply);
        if (key) return forward(request, key, reply);
        const encoded = reply.headers.has("content-encoding");
        const out = await generate(reply, bucket, acceptsGzip(headers));
        if (out) return out;
        // A file whose encoded form is too large is an object: that is what the client gets.
        if (!encoded) break;
      }
      return tooLarge(followed === live ? config : {}, request);
    } catch (e) {
      const followed = name === undefined ? live : previews.found.get(name);
      const reply = e instanceof NoPreview ? misdirected(host) : failed(e, target, followed?.live != null);
      return response(reply.status, reply.headers, await readAll(reply.body, bucket));
    }
  };
}

/**
 * The key of the object that is the whole answer, if CloudFront is to fetch it;
 * null if the answer is given from here.
 * @param {Reply} reply
 */
async function forwardedKey(reply) {
  const [part] = reply.body;
  if (reply.status !== 200 || reply.body.length !== 1) return null;
  if (part instanceof Uint8Array || part instanceof Assembly || part.offset !== undefined) return null;
  if (part.opened) {
    if (eventSize(part.opened.size ?? Infinity) <= LONGEST) return null;
    await part.opened.body.cancel();
  }
  return part.key;
}

/**
 * @param {CloudFrontRequest} request
 * @param {string} key
 * @param {Reply} reply
 */
function forward(request, key, reply) {
  request.uri = "/" + key.split("/").map(encodeURIComponent).join("/");
  request.querystring = "";
  delete request.headers[HOST_HEADER];
  delete request.headers["if-match"]; // it was looked at, and the bucket has other tags
  const shown = [
    "accept-ranges",
    "content-length",
    "content-type",
    "cache-control",
    "content-encoding",
    "content-security-policy",
    "etag",
    "referrer-policy",
    "vary",
    "x-content-type-options",
  ].filter((name) => reply.headers.has(name));
  const answer = Object.fromEntries(shown.map((name) => [name, reply.headers.get(name)?.join(", ")]));
  request.headers[ANSWER_HEADER] = header(ANSWER_HEADER, [JSON.stringify(answer)]);
  return request;
}

/**
 * An answer from here, encoded if it would be too large otherwise; null if it is
 * too large all the same.
 * @param {Reply} reply
 * @param {import("../router/body.js").Bucket} bucket
 * @param {boolean} gzip whether the client takes it
 */
async function generate(reply, bucket, gzip) {
  if (reply.body.reduce((n, piece) => n + longest(piece), 0) > ASSEMBLED) return null;
  const { status, headers } = reply;
  const body = await readAll(reply.body, bucket);
  if (eventSize(body.length) <= LONGEST) return response(status, headers, body);
  if (!gzip || headers.has("content-encoding")) return null;
  const encoded = gzipSync(body);
  if (eventSize(encoded.length) > LONGEST) return null;
  headers.set("content-encoding", ["gzip"]);
  headers.set("etag", [gzipped(headers.get("etag")?.[0] ?? "")]);
  return response(status, headers, encoded);
}

/**
 * What a piece is at most, in bytes.
 * @param {Piece} piece
 */
function longest(piece) {
  if (piece instanceof Uint8Array) return piece.length;
  if (piece instanceof Assembly) return piece.size;
  return piece.opened?.size ?? piece.length ?? Infinity;
}

/**
 * An answer that is more than a function may send comes from the fallback.
 * @param {{fallback?: string}} config
 * @param {CloudFrontRequest} request
 */
function tooLarge({ fallback }, request) {
  if (!fallback) {
    const text = "this answer is larger than the edge can send: ask with Accept-Encoding: gzip, or for fewer packages";
    const { status, headers, body } = refuse(503, text);
    return response(status, headers, /** @type {Uint8Array} */ (body[0]));
  }
  request.origin = {
    custom: {
      domainName: fallback,
      port: 443,
      protocol: "https",
      path: "",
      sslProtocols: ["TLSv1.2"],
      readTimeout: 30,
      keepaliveTimeout: 5,
      customHeaders: {},
    },
  };
  request.headers.host = header("host", [fallback]);
  return request;
}

/** Those of the function's role, which the platform puts into its environment. */
function credentials() {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  return id && secret ? { id, secret, token } : null;
}

/** @param {Uint8Array} bytes */
async function sha256(bytes) {
  return createHash("sha256").update(bytes).digest();
}
