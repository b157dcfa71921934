// What Go's net/url and path do to a request's URL. Texts are byte strings.

/**
 * The target of a request, understood.
 * @typedef {object} Target
 * @property {string} path decoded
 * @property {string} query as it was sent
 * @property {boolean} forceQuery the target ends in an empty query's "?"
 */

/**
 * Reads a request target, "/search?package=x"; null if a client may not send
 * such a thing.
 * @param {string} target a byte string: platforms that give a text turn it into one
 * @returns {Target | null}
 */
export function parseTarget(target) {
  if (target === "*") return { path: "*", query: "", forceQuery: false };
  if (target[0] !== "/" || /[\0-\x20\x7f]/.test(target)) return null;
  const at = target.indexOf("?");
  const path = unescape(at < 0 ? target : target.slice(0, at));
  if (path === null) return null;
  return { path, query: at < 0 ? "" : target.slice(at + 1), forceQuery: at >= 0 && at === target.length - 1 };
}

/**
 * Decodes "%41"; null when a "%" is not followed by two hexadecimal digits.
 * @param {string} text
 */
function unescape(text) {
  if (!text.includes("%")) return text;
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null;
  return text.replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/**
 * The parameters of a query. Pairs that cannot be decoded are dropped, as are
 * those with a semicolon, which once was another way to separate them.
 * @param {string} query
 * @returns {Map<string, string[]>}
 */
export function parseQuery(query) {
  /** @type {Map<string, string[]>} */
  const values = new Map();
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const at = pair.indexOf("=");
    const key = unescape((at < 0 ? pair : pair.slice(0, at)).replaceAll("+", " "));
    const value = unescape((at < 0 ? "" : pair.slice(at + 1)).replaceAll("+", " "));
    if (key === null || value === null) continue;
    const list = values.get(key);
    if (list) list.push(value);
    else values.set(key, [value]);
  }
  return values;
}

/**
 * The URL of a path and the query of a target: what a redirect says.
 * @param {Target} target
 * @param {string} path
 */
export function location(target, path) {
  const escaped = path.replace(
    /[^A-Za-z0-9\-_.~$&+,/:;=@]/g,
    (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"),
  );
  return escaped + (target.forceQuery || target.query !== "" ? "?" + target.query : "");
}

/**
 * Escapes what is not ASCII in a URL, as Go's http.Redirect does.
 * @param {string} url
 */
export function escapeBytes(url) {
  return url.replace(/[\x80-\xff]/g, (c) => "%" + c.charCodeAt(0).toString(16));
}

/**
 * The canonical form of a path: rooted, without "//", "." and "..". A slash at
 * the end stays.
 * @param {string} path
 */
export function cleanPath(path) {
  /** @type {string[]} */
  const kept = [];
  for (const element of path.split("/")) {
    if (element === "..") kept.pop();
    else if (element !== "" && element !== ".") kept.push(element);
  }
  const clean = "/" + kept.join("/");
  return path.endsWith("/") && clean !== "/" ? clean + "/" : clean;
}
