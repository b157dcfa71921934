// What the bucket sends gets the headers that clients of the registry are to
// see, and none of the bucket's own.

import { failed } from "../platform/errors.js";
import { StoreError } from "../router.js";
import { ANSWER_HEADER, header, response } from "./event.js";

/** @typedef {import("./event.js").Event} Event */

/** What the bucket may say of an object that is there. */
const SOUND = ["200", "206", "304", "412", "416"];

/**
 * What is not the bucket's to say to clients. Last-Modified is when the object was uploaded: after a rollback the live
 * content is older than what clients have, and no less different.
 */
const DROPPED = /^(x-amz-.*|server|last-modified|accept-ranges)$/;

/** @param {Event} event */
export async function originResponse(event) {
  const { request, response: sent } = event.Records[0].cf;
  const answer = request.headers[ANSWER_HEADER]?.[0]?.value;
  if (answer === undefined) return sent; // of the fallback, which says all itself
  if (!SOUND.includes(sent.status)) {
    return unsound(request, `the bucket says ${sent.status} to CloudFront`);
  }
  // How long the answer is to be is not for clients: CloudFront says that itself.
  const { "content-length": want, ...shown } = JSON.parse(answer);
  const length = sent.headers["content-length"]?.[0]?.value;
  if (sent.status === "200" && want !== undefined && length !== undefined && length !== want) {
    return unsound(request, `the bucket sends ${length} bytes to CloudFront, want ${want}`);
  }
  for (const name of Object.keys(sent.headers)) if (DROPPED.test(name)) delete sent.headers[name];
  for (const [name, value] of Object.entries(shown)) sent.headers[name] = header(name, [value]);
  sent.headers["access-control-allow-origin"] = header("access-control-allow-origin", ["*"]);
  return sent;
}

/**
 * @param {import("./event.js").CloudFrontRequest} request
 * @param {string} text what is wrong with the object
 */
function unsound(request, text) {
  const { status, headers, body } = failed(new StoreError(`${request.uri}: ${text}`), request.uri, true);
  return response(status, headers, /** @type {Uint8Array} */ (body[0]));
}
