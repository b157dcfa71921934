// The registry as a Cloudflare Worker.

import { failed, misdirected } from "../platform/errors.js";
import { Previews } from "../platform/previews.js";
import { Live, NoPreview } from "../platform/snapshot.js";
import { utf8 } from "../router/bytes.js";
import { handle, warmUp } from "../router.js";
import { leave } from "./fallback.js";
import { originBucket } from "./origin.js";
import { r2Bucket } from "./r2.js";
import { send } from "./send.js";

/**
 * What a bundle is made for, beside what Previews are.
 * @typedef {object} OwnConfig
 * @property {string} environment
 * @property {number} pointerSeconds for how long the pointer need not be looked
 *   at again
 * @property {string} [origin] the bucket's URL; without it the bucket is the
 *   binding BUCKET
 * @property {string} [region] that requests are signed for
 * @property {string} [fallback] where a `regsnap serve` answers for the environment
 * @property {number} [fallbackFrom] how many entries a search that is to be put
 *   together has at least to be left to the fallback
 */

/** @typedef {OwnConfig & import("../platform/previews.js").Config} Config */

/**
 * What the platform binds: the bucket, or credentials for it, if it is not open.
 * @typedef {object} Bindings
 * @property {import("./r2.js").R2Bucket} [BUCKET]
 * @property {string} [AWS_ACCESS_KEY_ID]
 * @property {string} [AWS_SECRET_ACCESS_KEY]
 */

/** @param {Config} config */
export function worker(config) {
  void warmUp();
  /** @type {Live | null} */
  let live = null;
  /** @type {Previews | null} */
  let previews = null;
  return {
    /**
     * @param {Request} request
     * @param {Bindings} env
     * @param {{waitUntil(work: Promise<unknown>): void}} context
     */
    async fetch(request, env, context) {
      live ??= new Live(config.environment, config.pointerSeconds, bucketOf(config, env), sha256);
      // As it was sent, in bytes: a URL object would clean the path.
      const target = utf8(request.url.replace(/^[a-z]+:\/\/[^/?]*/, ""));
      /** @param {Promise<unknown>} work */
      const waitUntil = (work) => context.waitUntil(work);
      const host = request.headers.get("host") ?? "";
      previews ??= new Previews(config, live.bucket, sha256);
      const preview = previews.match(host);
      if (preview !== undefined) return answerPreview(previews, preview, host, { request, target, waitUntil });
      try {
        const reply = await handle({ method: request.method, target, headers: headersOf(request) }, await live.site());
        return (await leave(config, reply, target, request)) ?? (await send(reply, live.bucket, waitUntil));
      } catch (e) {
        return send(failed(e, target, live.live !== null), live.bucket, waitUntil);
      }
    },
  };
}

/**
 * The answer of a preview. Nothing of it comes from the fallback, which is of another
 * environment.
 * @param {Previews} previews
 * @param {string} name
 * @param {string} host
 * @param {{request: Request, target: string, waitUntil(work: Promise<unknown>): void}} asked
 */
async function answerPreview(previews, name, host, { request, target, waitUntil }) {
  let reply;
  try {
    const live = await previews.live(name);
    reply = await handle({ method: request.method, target, headers: headersOf(request) }, await live.site());
  } catch (e) {
    reply = e instanceof NoPreview ? misdirected(host) : failed(e, target, previews.found.get(name)?.live != null);
  }
  if (request.method === "HEAD") reply.body = [];
  return send(reply, previews.bucket, waitUntil);
}

/**
 * The headers of a request as the client sent them: where Cloudflare puts what it
 * takes itself in the place of Accept-Encoding, it tells what was there.
 * @param {Request & {cf?: {clientAcceptEncoding?: string}}} request
 */
function headersOf({ headers, cf }) {
  return {
    get: (/** @type {string} */ name) =>
      (name === "accept-encoding" ? cf?.clientAcceptEncoding : undefined) ?? headers.get(name),
  };
}

/**
 * @param {Config} config
 * @param {Bindings} env
 */
function bucketOf(config, env) {
  if (config.origin === undefined) {
    if (!env.BUCKET) throw new Error("there is no binding BUCKET: see r2_buckets in wrangler.json");
    return r2Bucket(env.BUCKET);
  }
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = env;
  const credentials = id && secret ? { id, secret } : null;
  return originBucket({ url: config.origin, region: config.region ?? "auto", credentials });
}

/** @param {Uint8Array} bytes */
async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (bytes)));
}
