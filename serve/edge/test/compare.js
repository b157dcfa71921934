import { createHash } from "node:crypto";

/** The headers that every edge has to send alike: those of edgetest. */
const COMPARED = [
  "accept-ranges",
  "access-control-allow-origin",
  "allow",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
  "location",
  "vary",
];

/**
 * @typedef {object} Got
 * @property {number} status
 * @property {(name: string) => string} header
 * @property {number} length
 * @property {Uint8Array} body
 */

/**
 * In what an answer is not as a vector wants it.
 * @param {any} vector
 * @param {Got} got
 */
export function differences({ want }, got) {
  const out = [];
  if (got.status !== want.status) out.push(`status ${got.status}, want ${want.status}`);
  let body = Buffer.from(got.body);
  let length = got.length;
  const boundary = /^multipart\/byteranges; boundary=(.*)$/.exec(got.header("content-type"))?.[1];
  if (boundary) {
    // Every server chooses a boundary of its own.
    body = Buffer.from(body.toString("latin1").replaceAll(boundary, "BOUNDARY"), "latin1");
    length = body.length;
  }
  for (const name of COMPARED) {
    const value = name === "content-type" && boundary ? "multipart/byteranges" : got.header(name);
    if (value !== (want.headers[name] ?? "")) out.push(`${name} ${value}, want ${want.headers[name]}`);
  }
  const sum = createHash("sha256").update(body).digest("hex");
  if (length !== want.length || sum !== want.sha256) {
    out.push(`body of ${length} bytes, want ${want.length}: ${body.toString("latin1", 0, 200)}`);
  }
  return out;
}
