// The twin of layout/answer.go: a request to its answer, as far as that can be
// said without reading an object.

import { toBytes } from "./bytes.js";
import { count } from "./categories.js";
import { ICON } from "./icon.js";
import { jsonString } from "./json.js";
import { validPackageName } from "./keys.js";
import { LIVE_PATH } from "./live.js";
import { parseQuery, QueryError } from "./query.js";
import { named, select, showsEvery } from "./select.js";
import { isStrict } from "./semver.js";
import { SIGNED } from "./table.js";
import { cleanPath, escapeBytes, location } from "./url.js";

/** @typedef {import("./table.js").Table} Table */
/** @typedef {import("./table.js").Revision} Revision */
/** @typedef {import("./select.js").Selection} Selection */
/** @typedef {import("./url.js").Target} Target */
/** @typedef {import("./cache.js").CacheClass} CacheClass */

/**
 * Kinds say where the body comes from:
 * - direct: `body` is the whole answer;
 * - document: the response named `digest`, which is there;
 * - search: the response named `digest`, or by the hash of `named`; if it is not
 *   there, what `select` gives;
 * - count: `body`, which is also kept as the response named by its hash;
 * - archive, signature: that of `revision`;
 * - page: that at `path` of the catalogue whose pages the page `digest` lists;
 * - live: what the edge knows of the pointer;
 * - file: the file at `path` of `revision`; `noResource` if it has none such.
 * @typedef {object} Answer
 * @property {"direct" | "document" | "search" | "count" | "archive" | "signature" | "file" | "page" | "live"} kind
 * @property {number} status
 * @property {string} contentType "" sends none
 * @property {CacheClass} cache
 * @property {string} [location] of a redirect
 * @property {Uint8Array} [body]
 * @property {string} [digest]
 * @property {Uint8Array} [named]
 * @property {() => Selection} [select]
 * @property {Revision} [revision]
 * @property {string} [path]
 */

const JSON_TYPE = "application/json";
export const PLAIN_TYPE = "text/plain; charset=utf-8";

/**
 * @param {number} status
 * @param {string} text a byte string
 * @param {CacheClass} cache
 * @returns {Answer}
 */
export function plainError(status, text, cache) {
  return { kind: "direct", status, contentType: PLAIN_TYPE, cache, body: toBytes(text + "\n") };
}

/**
 * A body in JSON or another type that clients may keep.
 * @param {string} contentType
 * @param {CacheClass} cache
 * @param {Uint8Array} body
 * @returns {Answer}
 */
function direct(contentType, cache, body) {
  return { kind: "direct", status: 200, contentType, cache, body };
}

export const noRoute = plainError(404, "404 page not found", "error");
const noPackage = plainError(404, "package revision not found", "error");
const noArtifact = plainError(404, "artifact not found", "error");
const noSignature = plainError(404, "signature file not found", "error");
const badVersion = plainError(400, "invalid package version", "error");
const badMethod = plainError(405, "method not allowed", "error");

/** The answer for a file that a known package does not have. */
export const noResource = plainError(404, "resource not found", "content");

const MOVABLE = new Set(["/index.json/", "/health/", "/favicon.ico/", "/search/", "/categories/"]);

/**
 * Routes a request.
 * @param {Table} t
 * @param {string} method
 * @param {Target} target
 * @returns {Answer}
 */
export function answer(t, method, target) {
  if (method !== "GET" && method !== "HEAD") return badMethod;
  const { path } = target;
  const clean = cleanPath(path);
  if (clean !== path) {
    return {
      kind: "direct",
      status: 301,
      contentType: "",
      cache: "none",
      location: location(target, clean),
      body: toBytes(""),
    };
  }
  switch (path) {
    case "/":
    case "/index.json":
      return direct(JSON_TYPE, "index", toBytes(index(t)));
    case "/health":
      return direct("", "none", toBytes(""));
    case "/favicon.ico":
      return direct("image/x-icon", "content", ICON);
    case "/search":
    case "/categories":
      return query(t, target);
  }
  if (MOVABLE.has(path)) return moved(target, path.slice(0, -1));
  if (path === "/catalog" || path.startsWith("/catalog/")) return pageRoute(t, target);
  if (path.startsWith("/package/")) return packageRoute(t, target);
  if (path.startsWith("/artifacts/static/")) return staticRoute(t, target);
  return archiveRoute(t, target);
}

/** @param {Table} t */
function index(t) {
  return `{\n  "service.name": "package-registry",\n  "service.version": ${jsonString(t.head.service_version)}\n}\n`;
}

const HTML = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&#34;"],
  ["'", "&#39;"],
]);

/**
 * @param {Target} target
 * @param {string} path
 * @returns {Answer}
 */
function moved(target, path) {
  const to = location(target, path);
  const link = to.replace(/[&<>"']/g, (c) => /** @type {string} */ (HTML.get(c)));
  return {
    kind: "direct",
    status: 301,
    contentType: "text/html; charset=utf-8",
    cache: "none",
    location: escapeBytes(to),
    body: toBytes(`<a href="${link}">Moved Permanently</a>.\n\n`),
  };
}

/**
 * @param {Table} t
 * @param {Target} target
 * @returns {Answer}
 */
function query(t, target) {
  let q;
  try {
    q = parseQuery(target.query, target.path === "/categories");
  } catch (e) {
    if (!(e instanceof QueryError)) throw e;
    return plainError(400, e.message, "error");
  }
  /** @type {Answer} */
  const a = { kind: "search", status: 200, contentType: JSON_TYPE, cache: "content" };
  // What grows with the registry is not hashed, nor looked at unless it has to be.
  if (t.rows > 0 && showsEvery(q)) return { ...a, digest: t.head.every, select: () => select(t, q) };
  const selection = select(t, q);
  if (q.counting) {
    const body = toBytes(count(t, selection, q.includePolicyTemplates));
    return { ...a, kind: "count", body };
  }
  if (selection.rows.length === 0) return { ...a, kind: "direct", body: toBytes("[]") };
  return { ...a, select: () => selection, named: named(t, selection) };
}

/**
 * Answers what lies below /catalog/. A page for people has an address that ends in a
 * slash; who leaves it out is sent there.
 * @param {Table} t
 * @param {Target} target
 * @returns {Answer}
 */
function pageRoute(t, target) {
  const digest = t.head.site;
  if (!digest) return noRoute;
  const { path } = target;
  const rest = path.replace(/^\/catalog\//, "");
  if (rest === LIVE_PATH) return { kind: "live", status: 200, contentType: JSON_TYPE, cache: "error" };
  const last = rest.slice(rest.lastIndexOf("/") + 1);
  const file = (rest.startsWith("-/") && last.includes(".")) || last === "feed.xml" || last === "versions.json";
  if (path === "/catalog" || (last !== "" && !file)) return moved(target, path + "/");
  return { kind: "page", status: 200, contentType: pageType(last), cache: "index", digest, path: rest };
}

/** @param {string} file the last part of a page's address */
function pageType(file) {
  const suffix = /\.(css|js|json|xml)$/.exec(file);
  return (suffix && PAGE_TYPES.get(suffix[1])) || PAGE_HTML;
}

export const PAGE_HTML = "text/html; charset=utf-8";

const PAGE_TYPES = new Map([
  ["css", "text/css; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["json", JSON_TYPE],
  ["xml", "application/atom+xml"],
]);

/**
 * Splits a text at the first n-1 separators.
 * @param {string} text
 * @param {number} n
 */
function splitN(text, n) {
  const parts = text.split("/");
  return parts.length <= n ? parts : [...parts.slice(0, n - 1), parts.slice(n - 1).join("/")];
}

/**
 * Answers /package/{name}/{version}/ and the files below it.
 * @param {Table} t
 * @param {Target} target
 * @returns {Answer}
 */
function packageRoute(t, target) {
  const [name, version, file] = splitN(target.path.slice("/package/".length), 3);
  if (!name || !version) return noRoute;
  if (file === undefined) return validPackageName(name) ? moved(target, target.path + "/") : noRoute;
  const document = file === "" && validPackageName(name);
  if (!document) return fileRoute(t, target, name, version, file);
  if (!isStrict(version)) return badVersion;
  const row = t.find(name, version);
  if (row < 0) return noPackage;
  return { kind: "document", status: 200, contentType: JSON_TYPE, cache: "index", digest: t.document(row) };
}

/**
 * Answers /artifacts/static/{name}-{version}/{path}, where package storage v2 has
 * a file. No name has a dash, so the first one ends it.
 * @param {Table} t
 * @param {Target} target
 * @returns {Answer}
 */
function staticRoute(t, target) {
  const m = /^\/artifacts\/static\/([a-z0-9_]{1,200})-([^/]+)\/([\s\S]+)$/.exec(target.path);
  return m ? fileRoute(t, target, m[1], m[2], m[3]) : noRoute;
}

/**
 * Answers a request for a file of a package version.
 * @param {Table} t
 * @param {Target} target
 * @param {string} name
 * @param {string} version
 * @param {string} file
 * @returns {Answer}
 */
function fileRoute(t, target, name, version, file) {
  if (target.path.endsWith("/")) return moved(target, target.path.slice(0, -1));
  if (!isStrict(version)) return badVersion;
  const row = t.find(name, version);
  if (row < 0) return noPackage;
  return {
    kind: "file",
    status: 200,
    contentType: "",
    cache: "content",
    revision: { name, version, id: t.revision(row) },
    path: file,
  };
}

/**
 * Answers /epr/{name}/{name}-{version}.zip and its signature, and the same below
 * /artifacts/packages/. The name is that of the file, whatever the directory is.
 * Nothing else has a route.
 * @param {Table} t
 * @param {Target} target
 * @returns {Answer}
 */
function archiveRoute(t, target) {
  const slash = target.path.endsWith("/");
  const m = /^\/(?:epr\/[^/]+|artifacts\/packages)\/([a-z0-9_]{1,200})-([^/]+)\.zip(\.sig)?\/?$/.exec(target.path);
  if (!m) return noRoute;
  if (slash) return moved(target, target.path.slice(0, -1));
  const [, name, version, signature] = m;
  if (!isStrict(version)) return badVersion;
  const row = t.find(name, version);
  if (signature && (row < 0 || (t.flags.at(row) & SIGNED) === 0)) return noSignature;
  if (row < 0) return noArtifact;
  const revision = { name, version, id: t.revision(row) };
  const kind = signature ? "signature" : "archive";
  const contentType = signature ? "application/pgp-signature" : "application/zip";
  return { kind, status: 200, contentType, cache: "content", revision };
}
