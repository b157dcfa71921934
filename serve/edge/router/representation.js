// The twin of serve/representation.go: a form of a file or archive, or the
// ranges of it that were asked for.

import { contentRange, parseRange, RangeError416 } from "./byterange.js";
import { toBytes } from "./bytes.js";
import { rangeApplies } from "./conditional.js";

/** @typedef {import("./body.js").Piece} Piece */
/** @typedef {import("./handler.js").Exchange} Exchange */
/** @typedef {import("./handler.js").Reply} Reply */

/**
 * One form of a content: the object at `key`, what `content` gives, or the encoded
 * `body`, of which only all can be had.
 * @typedef {object} Representation
 * @property {number} size in bytes
 * @property {string} tag
 * @property {string} [key]
 * @property {() => Promise<Uint8Array>} [content] gives all of it, judged, where it is
 *   only a part of the object
 * @property {Piece[]} [body]
 */

/**
 * @param {Exchange} x
 * @param {Representation} rep
 * @returns {Promise<Reply>}
 */
export async function deliver(x, rep) {
  const { headers, site } = x;
  x.head();
  if (rep.key) headers.set("accept-ranges", ["bytes"]);
  if (site.modified !== "") headers.set("last-modified", [site.modified]);
  const done = x.settled(rep.tag, site.modified);
  if (done) return done;
  if (rep.body) {
    headers.set("content-encoding", ["gzip"]);
    const content = x.request.method === "HEAD" ? undefined : await rep.content?.();
    return { status: 200, headers, body: content ? [content] : rep.body };
  }
  const key = /** @type {string} */ (rep.key);
  let ranges;
  try {
    ranges = rangesOf(x, rep);
  } catch (e) {
    if (!(e instanceof RangeError416)) throw e;
    headers.set("content-range", [`bytes */${rep.size}`]);
    return x.fail(416, e.message);
  }
  if (ranges.length === 0 && rep.size === 0) return { status: 200, headers, body: [] };
  const content = x.request.method === "HEAD" ? undefined : await rep.content?.();
  /**
   * @param {number} start
   * @param {number} length
   * @returns {Piece}
   */
  const part = (start, length) => (content ? content.subarray(start, start + length) : { key, offset: start, length });
  if (ranges.length === 0) {
    return { status: 200, headers, body: [content ?? { key, length: rep.size }] };
  }
  if (ranges.length === 1) {
    const [r] = ranges;
    headers.set("content-range", [contentRange(r, rep.size)]);
    return { status: 206, headers, body: [part(r.start, r.length)] };
  }
  // Several ranges (RFC 9110, section 14.6). The tag cannot be in the content,
  // other than by intent, and that harms only who asks.
  const boundary = "regsnap-" + rep.tag.slice(1, -1);
  /** @type {Piece[]} */
  const body = ranges.flatMap((r, i) => [
    toBytes(
      `${i === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Range: ${contentRange(r, rep.size)}\r\nContent-Type: ${x.a.contentType}\r\n\r\n`,
    ),
    part(r.start, r.length),
  ]);
  body.push(toBytes(`\r\n--${boundary}--\r\n`));
  headers.set("content-type", [`multipart/byteranges; boundary=${boundary}`]);
  return { status: 206, headers, body };
}

/**
 * The ranges to send, none for all of it.
 * @param {Exchange} x
 * @param {Representation} rep
 */
function rangesOf(x, rep) {
  const { method, headers } = x.request;
  // Ranges are defined for GET only (RFC 9110, section 14.2).
  if (method !== "GET" || !rangeApplies(headers, rep.tag)) return [];
  return parseRange(headers.get("range") ?? "", rep.size);
}
