// The adapter for nginx with its JavaScript module, njs: answers from the folder
// that regsnap export writes. nginx starts it afresh for each request, so it keeps
// nothing. What is whole, a file or a rendered answer, is left to nginx to send.

import { modifiedOf } from "../platform/snapshot.js";
import { checkSize } from "../router/body.js";
import { fromBytes } from "../router/bytes.js";
import { Assembly } from "../router/catalog.js";
import { bodyLength, handle, Lists, Parts, refuse, StoreError, Table, validSnapshot } from "../router.js";
import { escapeBytes } from "../router/url.js";
import { fileOf, ROUTES } from "./tree.js";

/** @typedef {import("../router/body.js").Piece} Piece */
/** @typedef {import("../router/body.js").Part} Part */
/** @typedef {import("../router/handler.js").Reply} Reply */
/** @typedef {import("../router/handler.js").Site} Site */

/**
 * A request as njs has it.
 * @typedef {object} NginxRequest
 * @property {string} method
 * @property {Record<string, string | undefined>} headersIn
 * @property {Record<string, string | string[]>} headersOut
 * @property {Record<string, string>} variables
 * @property {Record<string, Uint8Array>} rawVariables
 * @property {number} status
 * @property {() => void} sendHeader
 * @property {(status: number, body: Uint8Array) => void} return
 * @property {(text: string) => void} send
 * @property {() => void} finish
 * @property {(uri: string) => void} internalRedirect
 * @property {(text: string) => void} error
 */

/**
 * The modules of njs that are used.
 * @typedef {object} Modules
 * @property {any} fs
 * @property {any} crypto
 */

/** The locations of the configuration that send files: all of one, or a part. */
const WHOLE = "/~whole/";
const PART = "/~part/";

/** The longest answer of parts of a file, in bytes, that is put together here and not by nginx. */
const MOST = 4 << 20;

/**
 * The handlers of nginx's js_content.
 * @param {Modules} modules
 */
export function registry(modules) {
  return {
    /** @param {NginxRequest} r */
    async answer(r) {
      return reply(r, sent(r, "request_uri"), modules);
    },

    /**
     * Answers what nginx refuses. Of a path that it does not understand, such as
     * one that leads out of the root, it knows nothing but the line.
     * @param {NginxRequest} r
     */
    async refused(r) {
      const target = sent(r, "request").split(" ")[1] ?? "";
      const known = target[0] === "/" && !r.variables.request_uri;
      return known ? reply(r, target, modules) : send(r, refuse(400, "bad request"));
    },

    /**
     * Answers where nginx did not send a file: a client asked for it in a way
     * that is not open to clients, or it is not there.
     * @param {NginxRequest} r
     */
    async unsent(r) {
      const there = r.variables.regsnap_etag === "";
      return there ? reply(r, sent(r, "request_uri"), modules) : send(r, refuse(502, UNREADABLE));
    },
  };
}

/**
 * A variable as the client sent it, as a byte string: a string of njs would be of
 * bytes or of characters, by what is in it. Of a query bytes above 127 are escaped,
 * which means the same: nginx could not send them back in a redirect.
 * @param {NginxRequest} r
 * @param {"request" | "request_uri"} name
 */
function sent(r, name) {
  const text = fromBytes(r.rawVariables[name] ?? new Uint8Array(0));
  const at = text.indexOf("?");
  return at < 0 ? text : text.slice(0, at) + escapeBytes(text.slice(at));
}

const UNREADABLE = "the files of this registry cannot be read";

/**
 * @param {NginxRequest} r
 * @param {string} target
 * @param {Modules} modules
 */
async function reply(r, target, modules) {
  let answer;
  try {
    const folder = new Folder(modules, r.variables.regsnap_export);
    const headers = { get: (/** @type {string} */ name) => r.headersIn[name] ?? null };
    const found = await handle({ method: r.method, target, headers }, folder.site());
    answer = await folder.answer(found.status === 200 && isJudged(r) ? failed(found) : found);
  } catch (e) {
    r.error(`cannot answer ${JSON.stringify(target)}: ${e instanceof Error ? e.message : e}`);
    answer = refuse(502, UNREADABLE);
  }
  send(r, answer);
}

/**
 * Tells whether nginx itself says 412 to an answer: it judges these headers
 * without knowing its ETag.
 * @param {NginxRequest} r
 */
function isJudged(r) {
  const match = r.headersIn["if-match"];
  return (match !== undefined && match !== "*") || r.headersIn["if-unmodified-since"] !== undefined;
}

/**
 * What a client gets whose precondition is not met.
 * @param {Reply} found
 */
function failed({ headers }) {
  const modified = headers.get("last-modified");
  return refuse(412, "precondition failed", new Map(modified && [["last-modified", modified]]));
}

/**
 * A reply that nginx can send: its body is in memory, or nginx is to send a file.
 * @typedef {object} Answer
 * @property {number} status
 * @property {Map<string, string[]>} headers
 * @property {Piece[]} body of bytes only
 * @property {string} [file] the address of a file that is the body
 */

/** The export, as it is at one moment: another one may become current at any. */
class Folder {
  /**
   * @param {Modules} modules
   * @param {string} root
   */
  constructor({ fs, crypto }, root) {
    this.fs = fs;
    this.crypto = crypto;
    this.dir = fs.realpathSync(`${root}/current`);
    this.id = this.dir.slice(this.dir.lastIndexOf("/") + 1);
    if (!validSnapshot(this.id)) throw new StoreError(`${root}/current: names no snapshot`);
  }

  /** @returns {Site} */
  site() {
    /** @param {string} key */
    const stat = async (key) => {
      const found = this.stat(fileOf(key));
      return found && { size: found.size };
    };
    const bucket = {
      stat,
      /** @param {string} key */
      read: async (key) => ((await stat(key)) ? this.fs.readFileSync(`${this.dir}/${fileOf(key)}`) : null),
      // What is opened here is read below, or by nginx.
      /** @param {string} key */
      open: async (key) => /** @type {any} */ (await stat(key)),
    };
    /** @type {import("../router/keys.js").Hash} */
    const sha256 = async (content) => this.crypto.createHash("sha256").update(content).digest();
    return {
      table: new Table(this.fs.readFileSync(`${this.dir}/${ROUTES}`)),
      modified: modifiedOf(this.id),
      bucket,
      parts: new Parts(bucket),
      lists: new Lists(bucket, sha256),
      exported: true,
      inflate: () => {
        throw new StoreError("an export has every page plain");
      },
      sha256,
    };
  }

  /** @param {string} file */
  stat(file) {
    try {
      return this.fs.statSync(`${this.dir}/${file}`);
    } catch (e) {
      if (/** @type {any} */ (e).code !== "ENOENT") throw e;
      return null;
    }
  }

  /**
   * What is to be sent for a reply.
   * @param {Reply} reply
   * @returns {Promise<Answer>}
   */
  async answer({ status, headers, body }) {
    const part = /** @type {Part | undefined} */ (
      body.find((p) => !(p instanceof Uint8Array || p instanceof Assembly))
    );
    if (part && status === 200 && body.length === 1) {
      checkSize(part.key, this.stat(fileOf(part.key))?.size ?? null, part.length);
      return { status, headers, body: [], file: this.address(WHOLE, part.key) };
    }
    // nginx reads the Range header again, and may see more in it than the router.
    if (part && status === 206 && Number(bodyLength(body)) > MOST) {
      // The type of the file is then in the first part, not in the headers.
      const type = /Content-Type: (.*)\r\n/.exec(body[0] instanceof Uint8Array ? fromBytes(body[0]) : "");
      if (type) headers.set("content-type", [type[1]]);
      return { status, headers, body: [], file: this.address(PART, part.key) };
    }
    /** @type {Uint8Array[]} */
    const bytes = [];
    for (const piece of body) {
      if (piece instanceof Uint8Array) bytes.push(piece);
      else bytes.push(piece instanceof Assembly ? await piece.whole() : this.read(piece));
    }
    const length = bytes.reduce((n, b) => n + b.length, 0);
    if (length > 0) headers.set("content-length", [String(length)]);
    return { status, headers, body: bytes };
  }

  /**
   * Where nginx finds a file.
   * @param {string} location
   * @param {string} key
   */
  address(location, key) {
    const names = fileOf(key).split("/").map(encodeURIComponent);
    return `${location}${this.id}/${names.join("/")}`;
  }

  /**
   * Reads what a body has of an object.
   * @param {Part} part
   */
  read(part) {
    const file = `${this.dir}/${fileOf(part.key)}`;
    const bytes = new Uint8Array(Number(part.length));
    const fd = this.fs.openSync(file, "r");
    try {
      for (let n = 0, k = 0; n < bytes.length; n += k) {
        k = this.fs.readSync(fd, bytes, n, bytes.length - n, (part.offset ?? 0) + n);
        if (k === 0) throw new StoreError(`${file}: ends before byte ${(part.offset ?? 0) + bytes.length}`);
      }
      return bytes;
    } finally {
      this.fs.closeSync(fd);
    }
  }
}

/**
 * @param {NginxRequest} r
 * @param {Answer} answer
 */
function send(r, { status, headers, body, file }) {
  if (file !== undefined) {
    // nginx makes these itself: of the file, or of a variable.
    r.variables.regsnap_etag = (headers.get("etag") ?? [""])[0];
    r.variables.regsnap_modified = (headers.get("last-modified") ?? [""])[0];
    for (const name of ["etag", "last-modified", "content-length", "content-range"]) headers.delete(name);
  }
  headers.forEach((values, name) => {
    r.headersOut[name.replace(/\b[a-z]/g, (c) => c.toUpperCase())] = values.length === 1 ? values[0] : values;
  });
  if (file !== undefined) return r.internalRedirect(file);
  const bytes = joined(/** @type {Uint8Array[]} */ (body));
  // r.return takes the body of a redirect for its address, r.send takes no bytes.
  if (bytes.length > 0 && (status < 300 || status >= 400)) return r.return(status, bytes);
  r.status = status;
  r.sendHeader();
  if (bytes.length > 0) r.send(fromBytes(bytes));
  r.finish();
}

/** @param {Uint8Array[]} pieces */
function joined(pieces) {
  if (pieces.length === 1) return pieces[0];
  const out = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of pieces) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
