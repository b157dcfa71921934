// A registry in memory: routes.json, blocks and objects as docs/bucket.md and the
// comments of layout/ say, written down here without the router's code.

import { createHash } from "node:crypto";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";

import { inflate } from "../../platform/inflate.js";
import { handle, Lists, Parts, readAll, Table } from "../../router.js";

/** @typedef {import("../../router/body.js").Bucket} Bucket */
/** @typedef {import("../../router/handler.js").Site} Site */

/** @param {string} text of ASCII, or of bytes */
export const bytes = (text) => Uint8Array.from(Buffer.from(text, "latin1"));
/** @param {Uint8Array} data */
export const text = (data) => Buffer.from(data).toString("latin1");
/** @param {Uint8Array | string} content */
export const hexOf = (content) => createHash("sha256").update(content).digest("hex");
/** @param {Uint8Array | string} content */
export const digest = (content) => hexOf(content).slice(0, 32);
/** @param {Uint8Array} content */
export const sha256 = async (content) => createHash("sha256").update(content).digest();

/**
 * Values as digits of base 64, equally many each.
 * @param {number[]} values
 * @param {number} [width] more than are needed
 */
export function packed(values, width = 1) {
  while (values.some((n) => n >= 64 ** width)) width++;
  const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const digit = (/** @type {number} */ n, /** @type {number} */ i) => all[Math.floor(n / 64 ** (width - 1 - i)) % 64];
  return values.map((n) => Array.from({ length: width }, (_, i) => digit(n, i)).join("")).join("");
}

/**
 * A block, of which each row has a form and texts of its own.
 * @param {string[]} versions
 * @param {string[]} summaries
 * @param {number} [width] of numbers, in bytes
 */
export function block(versions, summaries, width = 2) {
  let pool = "";
  const put = (/** @type {string} */ s) => {
    pool += s;
    return pool.length - s.length;
  };
  /** @type {number[][]} */
  const pieces = [];
  /** @type {number[]} */
  const ends = [];
  const rows = summaries.map((summary, i) => {
    const texts = summary.split(versions[i]);
    texts.forEach((s, k) => pieces.push([put(s), 2 * s.length + (k < texts.length - 1 ? 1 : 0)]));
    ends.push(pieces.length);
    return [i, put(versions[i]), versions[i].length];
  });
  const numbers = [rows.length, ends.length, pieces.length, ...rows.flat(), ...ends, ...pieces.flat()];
  const big = (/** @type {number} */ n) =>
    String.fromCharCode(...Array.from({ length: width }, (_, i) => (n >> (8 * (width - 1 - i))) & 255));
  return bytes(String.fromCharCode(width) + numbers.map(big).join("") + pool);
}

/**
 * What the table says of a version; numbers are places in the tables of the head.
 * @typedef {object} Row
 * @property {string} version
 * @property {string} [summary]
 * @property {number} [flags]
 * @property {number} [kibana]
 * @property {number} [agent]
 * @property {number} [spec]
 * @property {number} [type]
 * @property {number} [capability]
 * @property {number} [label]
 * @property {number} [template]
 * @property {number} [discovery]
 */

/** @typedef {Record<string, Row[]>} Packages */

/**
 * @param {string} name
 * @param {string} version
 */
export const summaryOf = (name, version) =>
  `  {\n    "name": "${name}",\n    "version": "${version}",\n    "path": "/package/${name}/${version}"\n  }`;

/** @param {string} name @param {string} version */
export const documentOf = (name, version) => `{\n  "name": "${name}",\n  "version": "${version}"\n}\n`;

/** @param {string} name @param {string} version */
export const revisionOf = (name, version) => hexOf(`${name} ${version}`).slice(0, 20);

/**
 * routes.json, and the parts of its catalog by their keys.
 * @param {Packages} packages by name, sorted
 * @param {{head?: object, perPart?: number, widths?: Record<string, number>, blockWidth?: number}} [options]
 */
export function routes(packages, { head = {}, perPart = 1000, widths = {}, blockWidth } = {}) {
  const names = Object.keys(packages);
  const all = names.flatMap((name) =>
    packages[name].map((row) => ({ name, summary: summaryOf(name, row.version), ...row })),
  );
  const blocks = names.map((name) => {
    const own = all.filter((row) => row.name === name);
    return block(
      own.map((row) => row.version),
      own.map((row) => row.summary),
      blockWidth,
    );
  });
  /** @type {Map<string, Uint8Array>} */
  const parts = new Map();
  const catalog = [];
  for (let i = 0; i < names.length; i += perPart) {
    const data = Uint8Array.from(blocks.slice(i, i + perPart).flatMap((b) => [...b]));
    catalog.push({ digest: digest(data), names: Math.min(perPart, names.length - i) });
    parts.set(`responses/${digest(data)}.part`, data);
  }
  const starts = names.map((name) => all.findIndex((row) => row.name === name));
  const places = starts.map((start) => all.slice(0, start).reduce((n, row) => n + row.version.length + 1, 0));
  const numbers = (/** @type {keyof Row} */ name) =>
    packed(
      all.map((row) => Number(row[name] ?? 0)),
      widths[name],
    );
  const columns = {
    names: names.join(" "),
    starts: packed(starts),
    places: packed(places),
    blocks: packed(blocks.map((b) => b.length)),
    versions: all.map((row) => row.version).join(" "),
    flags: numbers("flags"),
    kibana: numbers("kibana"),
    agent: numbers("agent"),
    spec: numbers("spec"),
    type: numbers("type"),
    capability: numbers("capability"),
    label: numbers("label"),
    template: numbers("template"),
    discovery: numbers("discovery"),
    sizes: packed(all.map((row) => row.summary.length)),
    revisions: all.map((row) => revisionOf(row.name, row.version)).join(""),
    documents: all.map((row) => digest(documentOf(row.name, row.version))).join(""),
    summaries: all.map((row) => digest(row.summary)).join(""),
  };
  const first = JSON.stringify({
    format: 5,
    environment: "production",
    service_version: "1.40.1",
    cache: { index: 10, content: 600 },
    catalog,
    every: digest("every"),
    categories: [],
    constraints: [{}],
    capabilities: [null],
    types: [""],
    specs: [{ major: 3, minor: 0 }],
    labels: [null],
    templates: [null],
    discoveries: [{}],
    packages: names.length,
    lengths: Object.values(columns).map((column) => column.length),
    ...head,
  });
  const lines = Object.entries(columns).map(([name, column]) => `,\n"${name}":"${column}"`);
  return { file: bytes(first.slice(0, -1) + lines.join("") + "}\n"), parts, columns };
}

/** A bucket whose objects, and what it says of them, can be changed at will. */
export class Store {
  /** @param {Map<string, Uint8Array>} objects */
  constructor(objects) {
    this.objects = objects;
    /** @type {string[]} what was asked for */
    this.log = [];
    /** @type {(key: string, size: number) => number | null} what it says how long an object is */
    this.sizeOf = (_, size) => size;
    /** How many streams were cancelled. */
    this.cancelled = 0;
    /** Streams of bytes, or of chunks. */
    this.type = /** @type {"bytes" | undefined} */ ("bytes");
    /** How long the chunks are that arrive, in bytes. */
    this.chunk = 3;
  }

  /** @param {Uint8Array} data */
  stream(data) {
    let at = 0;
    const pull = (/** @type {any} */ controller) => {
      if (at < data.length) controller.enqueue(data.slice(at, (at += this.chunk)));
      if (at >= data.length) {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    };
    return new ReadableStream(/** @type {any} */ ({ type: this.type, pull, cancel: () => void this.cancelled++ }));
  }

  /** @type {Bucket["open"]} */
  open = async (key, offset, length) => {
    this.log.push(`open ${key}${offset === undefined ? "" : ` ${offset}+${length}`}`);
    const data = this.objects.get(key);
    if (!data) return null;
    const part = offset === undefined ? data : data.subarray(offset, offset + Number(length));
    return { size: this.sizeOf(key, part.length), body: this.stream(part) };
  };

  /** @type {Bucket["read"]} */
  read = async (key) => {
    this.log.push(`read ${key}`);
    return this.objects.get(key) ?? null;
  };

  /** @type {Bucket["stat"]} */
  stat = async (key) => {
    this.log.push(`stat ${key}`);
    const data = this.objects.get(key);
    return data ? { size: this.sizeOf(key, data.length) } : null;
  };
}

/**
 * A site of packages.
 * @param {Packages} packages
 * @param {Parameters<typeof routes>[1]} [options]
 * @returns {{site: Site, store: Store, objects: Map<string, Uint8Array>}}
 */
export function registry(packages, options) {
  const { file, parts } = routes(packages, options);
  const objects = new Map(parts);
  for (const [name, rows] of Object.entries(packages)) {
    for (const { version } of rows) {
      const document = documentOf(name, version);
      objects.set(`responses/${digest(document)}.json`, bytes(document));
    }
  }
  const store = new Store(objects);
  return {
    site: {
      table: new Table(file),
      modified: "Thu, 01 Dec 2022 17:20:31 GMT",
      bucket: store,
      parts: new Parts(store),
      lists: new Lists(store, sha256),
      inflate,
      sha256,
    },
    store,
    objects,
  };
}

/**
 * A reply, its lines of a header joined.
 * @param {Site} site
 * @param {string} target
 * @param {Record<string, string>} [headers]
 * @param {string} [method]
 */
export async function ask(site, target, headers = {}, method = "GET") {
  const reply = await handle({ method, target, headers: { get: (name) => headers[name] ?? null } }, site);
  const got = Object.fromEntries([...reply.headers].map(([name, lines]) => [name, lines.join(", ")]));
  const data = await readAll(reply.body, site.bucket);
  return { status: reply.status, headers: got, body: text(data), data, pieces: reply.body };
}

/**
 * Puts a file into an archive, which is no zip: the router looks at spans only.
 * @param {string} content
 * @param {boolean} deflated
 */
export function archived(content, deflated) {
  const before = "before the file, ";
  const data = deflated ? deflateRawSync(content) : bytes(content);
  return {
    archive: bytes(before + text(Uint8Array.from(data)) + "and after it"),
    file: {
      size: content.length,
      sha256: hexOf(content),
      ...(deflated
        ? { deflate: { offset: before.length, size: data.length, crc32: crc32(content) } }
        : { stored: before.length }),
    },
  };
}

/** @param {string} content */
export const gzip = (content) => Uint8Array.from(gzipSync(content));
