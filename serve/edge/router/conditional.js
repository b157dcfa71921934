// The twin of serve/conditional.go: validators and preconditions.

/** @typedef {{get(name: string): string | null}} Headers of a request */

/** @param {string} digest */
export function etag(digest) {
  return `"${digest}"`;
}

/**
 * The validator of a file or archive, by its SHA-256 in hexadecimal.
 * @param {string} sha256
 */
export function fileTag(sha256) {
  return etag(sha256.slice(0, 32));
}

/**
 * The validator of the gzip-encoded form: other bytes, so another one.
 * @param {string} tag
 */
export function gzipped(tag) {
  return tag.slice(0, -1) + '-gzip"';
}

/**
 * Evaluates If-Match, If-None-Match and If-Modified-Since: 412, 304, or 0 to go
 * on (RFC 9110, section 13.2.2). A date only counts when it is the very one
 * that was sent: after a rollback the live content is older than what clients
 * have, and no less different.
 * @param {Headers} headers
 * @param {string} tag
 * @param {string} modified
 */
export function precondition(headers, tag, modified) {
  const match = headers.get("if-match");
  if (match !== null && !listed(match, tag, true)) return 412;
  const none = headers.get("if-none-match");
  if (none !== null && listed(none, tag, false)) return 304;
  if (none === null && modified !== "" && headers.get("if-modified-since") === modified) return 304;
  return 0;
}

/**
 * Tells whether a list of entity tags has a tag, which is a strong one, or is
 * "*". Strong comparison passes over weak tags.
 * @param {string} list
 * @param {string} tag
 * @param {boolean} strong
 */
function listed(list, tag, strong) {
  if (list.trim() === "*") return true;
  const item = /[ \t,]*(W\/)?("[^"]*")/y;
  for (let m = item.exec(list); m; m = item.exec(list)) {
    if (m[2] === tag && !(m[1] && strong)) return true;
  }
  return false;
}

/**
 * Tells whether If-Range, if there is one, lets a range be sent.
 * @param {Headers} headers
 * @param {string} tag
 */
export function rangeApplies(headers, tag) {
  const v = headers.get("if-range") ?? "";
  return v === "" || v === tag;
}
