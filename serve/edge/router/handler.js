// The twin of serve/handler.go, response.go and file.go: a request to its reply.

import { answer, noResource, noRoute, PAGE_HTML, PLAIN_TYPE } from "./answer.js";
import { archived, archivedGzip, gzipPieces, inflated, judgeable } from "./archived.js";
import { bodyLength, checkSize, missing, named, readAll, readNamed, readObject } from "./body.js";
import { toBytes } from "./bytes.js";
import { cacheControl, NO_STORE } from "./cache.js";
import { Assembly } from "./catalog.js";
import { etag, fileTag, gzipped, precondition } from "./conditional.js";
import { own, parseContents } from "./contents.js";
import { acceptsGzip, compressible } from "./encoding.js";
import { ENVELOPE } from "./envelope.js";
import { StoreError } from "./errors.js";
import {
  archiveKey,
  contentsKey,
  digestOf,
  fileKey,
  GZIP_SUFFIX,
  MIN_GZIP,
  pageKey,
  responseKey,
  signatureKey,
} from "./keys.js";
import { INFLATED, inflatedUpTo, judge } from "./judged.js";
import { unknownLive } from "./live.js";
import { FILE_POLICY, findPage, missingPage, pagePolicy } from "./page.js";
import { deliver } from "./representation.js";
import { parseTarget } from "./url.js";

/** @typedef {import("./answer.js").Answer} Answer */
/** @typedef {import("./body.js").Bucket} Bucket */
/** @typedef {import("./body.js").Piece} Piece */
/** @typedef {import("./conditional.js").Headers} RequestHeaders */
/** @typedef {import("./keys.js").Hash} Hash */
/** @typedef {import("./table.js").Table} Table */

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {string} target path and query as they were sent, a byte string
 * @property {RequestHeaders} headers
 */

/**
 * What a request is answered from: one snapshot, and where its objects lie.
 * @typedef {object} Site
 * @property {Table} table
 * @property {string} modified the time of the snapshot's newest commit, as
 *   Last-Modified has it; "" when it knows none
 * @property {Bucket} bucket
 * @property {import("./parts.js").Parts} parts of the catalog
 * @property {import("./page.js").Lists} lists of the pages for people
 * @property {import("./archived.js").Inflate} inflate
 * @property {Hash} sha256
 * @property {() => Promise<Uint8Array>} [live] what the pointer does, where one is followed
 * @property {boolean} [exported] every file is an object, whatever lists say
 */

/**
 * @typedef {object} Reply
 * @property {number} status
 * @property {Map<string, string[]>} headers in lower case, a value each line
 * @property {Piece[]} body of a HEAD request none
 */

/**
 * Answers one request. A StoreError is for the platform to answer.
 * @param {Request} request
 * @param {Site} site
 * @returns {Promise<Reply>}
 */
export async function handle(request, site) {
  const parsed = parseTarget(request.target);
  const reply = parsed
    ? await new Exchange(request, site, answer(site.table, request.method, parsed)).reply()
    : refuse(400, "the URL is malformed");
  const length = bodyLength(reply.body) ?? (await headLength(request, reply, site));
  if (length !== undefined && reply.status !== 304) reply.headers.set("content-length", [String(length)]);
  if (request.method === "HEAD") reply.body = [];
  return reply;
}

/**
 * The length that the answer to a HEAD request states of a search whose entries
 * are cut: it is known only once they are.
 * @param {Request} request
 * @param {Reply} reply
 * @param {Site} site
 */
async function headLength({ method }, { body }, { bucket }) {
  if (method !== "HEAD" || !(body[0] instanceof Assembly)) return undefined;
  return (await readAll(body, bucket)).length;
}

/**
 * An error that nobody may keep.
 * @param {number} status
 * @param {string} text
 * @param {Map<string, string[]>} [headers] others to send
 * @returns {Reply}
 */
export function refuse(status, text, headers = new Map()) {
  const body = toBytes(text + "\n");
  headers.set("access-control-allow-origin", ["*"]);
  headers.set("content-type", [PLAIN_TYPE]);
  headers.set("cache-control", NO_STORE);
  headers.set("content-length", [String(body.length)]);
  return { status, headers, body: [body] };
}

/**
 * @param {string} key
 * @param {Bucket} bucket
 * @returns {never}
 */
function absent(key, bucket) {
  throw missing(key, bucket);
}

/** The longest document that is sent as it was read here, in bytes: platforms send what is longer themselves. */
const DOCUMENT = 512 << 10;

/** A request, what it gets, and the headers so far. */
export class Exchange {
  /**
   * @param {Request} request
   * @param {Site} site
   * @param {Answer} a
   */
  constructor(request, site, a) {
    this.request = request;
    this.site = site;
    this.a = a;
    /** @type {Map<string, string[]>} */
    this.headers = new Map([["access-control-allow-origin", ["*"]]]);
  }

  /** @returns {Promise<Reply>} */
  reply() {
    switch (this.a.kind) {
      case "direct":
        return this.direct();
      case "document":
      case "search":
      case "count":
        return this.response();
      case "file":
        return this.file();
      case "page":
        return this.page();
      case "live":
        return this.live();
      default:
        return this.archive();
    }
  }

  /** The headers that every form of an answer has. */
  head() {
    const { a, headers } = this;
    if (a.contentType !== "") headers.set("content-type", [a.contentType]);
    const cache = cacheControl(this.site.table.head.cache, a.cache);
    if (cache.length > 0) headers.set("cache-control", cache);
    if (a.status === 200 && compressible(a.contentType)) headers.set("vary", ["Accept-Encoding"]);
  }

  /**
   * Names the representation that is about to be sent, and gives the reply if a
   * precondition says that it need not be.
   * @param {string} tag
   * @param {string} [modified]
   * @returns {Reply | null}
   */
  settled(tag, modified = "") {
    this.headers.set("etag", [tag]);
    switch (precondition(this.request.headers, tag, modified)) {
      case 304:
        for (const name of ["content-type", "content-encoding", "accept-ranges"]) this.headers.delete(name);
        return { status: 304, headers: this.headers, body: [] };
      case 412:
        return this.fail(412, "precondition failed");
    }
    return null;
  }

  /**
   * @param {number} status
   * @param {string} text
   */
  fail(status, text) {
    for (const name of ["etag", "accept-ranges", "content-encoding", "vary"]) this.headers.delete(name);
    return refuse(status, text, this.headers);
  }

  /** An answer that needs no object. */
  async direct() {
    const { a } = this;
    const body = /** @type {Uint8Array} */ (a.body);
    this.head();
    if (a.location !== undefined) this.headers.set("location", [a.location]);
    if (a.status === 405) this.headers.set("allow", ["GET, HEAD"]);
    if (a.status === 200 && body.length > 0) {
      const done = this.settled(etag(await digestOf(body, this.site.sha256)));
      if (done) return done;
    }
    return { status: a.status, headers: this.headers, body: [body] };
  }

  /** A rendered response: a search, categories, or a package document. */
  async response() {
    const { a, request, site } = this;
    this.head();
    const digest = a.digest ?? (await digestOf(/** @type {Uint8Array} */ (a.named ?? a.body), site.sha256));
    const tag = etag(digest);
    const gzip = acceptsGzip(request.headers);
    // The client that shows the validator of what it would get has it from a
    // registry of the same content: no need to look for the body.
    const expected = gzip ? gzipped(tag) : tag;
    if (request.headers.get("if-none-match")?.trim() !== "*" && precondition(request.headers, expected, "") === 304) {
      return /** @type {Reply} */ (this.settled(expected));
    }
    const found = gzip ? await this.stored(responseKey(digest) + GZIP_SUFFIX) : null;
    if (found) this.headers.set("content-encoding", ["gzip"]);
    const done = this.settled(found ? expected : tag);
    if (done) return done;
    const body = found
      ? await judge(found, site, (content) => this.sound(content, digest), site.inflate)
      : await this.plain(digest);
    return { status: a.status, headers: this.headers, body };
  }

  /**
   * Reports whether a response is the one that is asked for. The key of a search names
   * what is selected, so of its content only the length is known.
   * @param {Uint8Array} content
   * @param {string} digest
   */
  async sound(content, digest) {
    const { a, site } = this;
    if (a.select) {
      const { length } = new Assembly(site.table, a.select(), site.parts);
      return length === undefined || content.length === length;
    }
    const want = a.body ? await digestOf(a.body, site.sha256) : digest;
    return (await digestOf(content, site.sha256)) === want;
  }

  /**
   * The body of a response as it is, stored or put together.
   * @param {string} digest
   * @returns {Promise<Piece[]>}
   */
  async plain(digest) {
    const { a } = this;
    if (a.body) return [a.body];
    const { table, parts, bucket, sha256, exported } = this.site;
    const key = responseKey(digest);
    const head = this.request.method === "HEAD";
    if (!a.select) {
      if (head) return (await this.stored(key)) ?? absent(key, bucket);
      const bytes = await readNamed(key, digest, bucket, sha256);
      return bytes.length <= DOCUMENT ? [bytes] : [{ key, length: bytes.length }];
    }
    const assembly = new Assembly(table, a.select(), parts);
    const { length, size } = assembly;
    // An export has plain what nginx is to send so.
    if (size >= MIN_GZIP && size <= INFLATED && !exported) {
      const content = head && length !== undefined ? null : await this.inflatedSearch(key + GZIP_SUFFIX, length);
      if (content) return [content];
      // What is stored at all is stored encoded; only of entries that are cut it is not known how many bytes are left.
      if (length !== undefined) return [assembly];
    }
    return (await this.stored(key, length)) ?? [assembly];
  }

  /**
   * A search that is stored encoded, as it is; null if it is not stored.
   * @param {string} key
   * @param {number} [length] that it is to have
   */
  async inflatedSearch(key, length) {
    const { bucket, inflate } = this.site;
    const encoded = await bucket.read(key);
    const content = encoded && (await inflatedUpTo(key, encoded, inflate));
    if (content) checkSize(key, content.length, length);
    return content;
  }

  /** What is known of the pointer. */
  async live() {
    const { a, site } = this;
    a.body = await (site.live?.() ?? unknownLive(site.table.head.environment));
    return this.direct();
  }

  /** A page of the catalogue. */
  async page() {
    const { a, request, site } = this;
    const { digest, path } = /** @type {Required<Answer>} */ (a);
    /** @type {import("./page.js").Pages} */
    const pages = await site.lists.get(digest);
    let page = await findPage(pages, path, site.lists);
    // All pages are stored encoded, feeds too.
    this.headers.set("vary", ["Accept-Encoding"]);
    if (!page) {
      this.headers.set("vary", ["Accept, Accept-Encoding"]);
      page = missingPage(pages, path);
      if (!page || !/text\/html/i.test(request.headers.get("accept") ?? "")) {
        this.a = noRoute;
        return this.direct();
      }
      Object.assign(a, { status: 404, contentType: PAGE_HTML, cache: "error" });
    }
    this.headers.set("x-content-type-options", ["nosniff"]);
    if (a.contentType === PAGE_HTML) {
      this.headers.set("content-security-policy", [pagePolicy(pages)]);
      this.headers.set("referrer-policy", ["no-referrer"]);
    }
    this.head();
    return this.pageBody(page);
  }

  /**
   * Sends a page. It is stored gzip-encoded, but for those that edges read themselves.
   * @param {string} page its digest
   * @returns {Promise<Reply>}
   */
  async pageBody(page) {
    const { a, request, headers } = this;
    const key = pageKey(page);
    const encoded = key + GZIP_SUFFIX;
    let tag = etag(page);
    let body = acceptsGzip(request.headers) ? await this.stored(encoded) : null;
    if (body) {
      tag = gzipped(tag);
      headers.set("content-encoding", ["gzip"]);
    }
    const done = a.status === 200 ? this.settled(tag) : null;
    if (done) return done;
    const { inflate, sha256 } = this.site;
    const sound = async (/** @type {Uint8Array} */ content) => (await digestOf(content, sha256)) === page;
    if (body) return { status: a.status, headers, body: await judge(body, this.site, sound, inflate) };
    body = await this.stored(key);
    body = body ? await judge(body, this.site, sound) : [await this.inflatedPage(encoded, page)];
    return { status: a.status, headers, body };
  }

  /**
   * A page that is stored encoded only, as it is.
   * @param {string} key
   * @param {string} page its digest
   */
  async inflatedPage(key, page) {
    const { bucket, inflate, sha256 } = this.site;
    return named(key, page, await inflated(key, await readObject(key, bucket), inflate), sha256);
  }

  /**
   * An object that may be absent, as a body; null if it is.
   * @param {string} key
   * @param {number} [length] that it is to have
   * @returns {Promise<Piece[] | null>}
   */
  async stored(key, length) {
    const { bucket } = this.site;
    if (this.request.method === "HEAD") {
      const found = await bucket.stat(key);
      if (found) checkSize(key, found.size, length);
      return found && [{ key, length: found.size ?? undefined }];
    }
    const opened = await bucket.open(key);
    if (!opened) return null;
    try {
      checkSize(key, opened.size, length);
    } catch (e) {
      await opened.body?.cancel();
      throw e;
    }
    return [{ key, length: opened.size ?? length, opened }];
  }

  /** The list of the revision's files. */
  async contents() {
    const { a, site } = this;
    const key = await contentsKey(/** @type {any} */ (a.revision), site.sha256);
    return parseContents(await readObject(key, site.bucket));
  }

  /** A file of a package. */
  async file() {
    const { request, site, a } = this;
    const { revision, path } = /** @type {Required<Answer>} */ (a);
    const contents = await this.contents();
    const f = contents.files.find((f) => f.path === path);
    if (!f) {
      this.a = noResource;
      return this.direct();
    }
    a.contentType = f.type;
    if (site.table.head.site) {
      // Pages for people link to files, which are of the same origin.
      this.headers.set("x-content-type-options", ["nosniff"]);
      this.headers.set("content-security-policy", [FILE_POLICY]);
    }
    const tag = fileTag(f.sha256);
    const { deflate: d } = f;
    // Who asks for a part gets it of the file itself: parts of the encoded form
    // are of no use to clients.
    if (
      d &&
      ENVELOPE + d.size < f.size &&
      compressible(f.type) &&
      request.headers.get("range") === null &&
      acceptsGzip(request.headers)
    ) {
      const key = await archiveKey(revision, site.sha256);
      // An export was judged when it was made, and its script cannot inflate.
      const content = judgeable(f.size, d.size) && !site.exported ? () => archivedGzip(key, f, site) : undefined;
      return deliver(this, { size: ENVELOPE + d.size, tag: gzipped(tag), body: gzipPieces(key, f), content });
    }
    if (site.exported || own(contents, f)) {
      return deliver(this, { size: f.size, tag, key: await fileKey(revision, path, site.sha256) });
    }
    const key = await archiveKey(revision, site.sha256);
    return deliver(this, { size: f.size, tag, key, content: () => archived(key, f, site) });
  }

  /**
   * The package as a zip archive, or its signature. An archive is never encoded:
   * Kibana takes Content-Length for its size.
   */
  async archive() {
    const { a, site } = this;
    const { revision } = /** @type {Required<Answer>} */ (a);
    const { archive, signature } = await this.contents();
    if (a.kind === "archive") {
      return deliver(this, {
        size: archive.size,
        tag: fileTag(archive.sha256),
        key: await archiveKey(revision, site.sha256),
      });
    }
    const key = await signatureKey(revision, site.sha256);
    if (!signature) throw new StoreError(`${key}: contents.json lists no signature`);
    return deliver(this, { size: signature.size, tag: fileTag(signature.sha256), key });
  }
}
