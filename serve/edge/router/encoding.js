// The twin of serve/encoding.go: whether a client takes gzip.

/** @typedef {import("./conditional.js").Headers} Headers */

/**
 * Tells whether a client would rather have an answer gzip-encoded than as it is
 * (RFC 9110, section 12.5.3). Without the header nothing is encoded.
 * @param {Headers} headers
 */
export function acceptsGzip(headers) {
  const UNSET = -1;
  let gzip = UNSET;
  let any = UNSET;
  let identity = UNSET;
  for (const item of (headers.get("accept-encoding") ?? "").split(",")) {
    const [name, ...params] = item.split(";");
    const q = quality(params);
    switch (name.trim().toLowerCase()) {
      case "gzip":
      case "x-gzip":
        gzip = Math.max(gzip, q);
        break;
      case "identity":
        identity = q;
        break;
      case "*":
        any = q;
    }
  }
  if (gzip === UNSET) gzip = any;
  return gzip > 0 && gzip >= identity;
}

/**
 * The weight of an item; one that cannot be read, and a negative one, is 0.
 * @param {string[]} params
 */
function quality(params) {
  for (const p of params) {
    const text = /^\s*q\s*=(.*)$/i.exec(p)?.[1].trim();
    if (text === undefined) continue;
    const q = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(text) ? Number(text) : NaN;
    return Number.isFinite(q) ? Math.min(Math.max(q, 0), 1) : 0;
  }
  return 1;
}

/**
 * Tells whether a type is worth a gzip encoding.
 * @param {string} contentType
 */
export function compressible(contentType) {
  return ["text/", "application/json", "image/svg+xml"].some((p) => contentType.startsWith(p));
}
