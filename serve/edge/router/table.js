// The twin of layout/routes.go, routesfile.go and table.go: routes.json, with a
// row for each package version. Only its first line is parsed; a column is
// looked into where it lies, at the rows that a query comes to. So the table of
// 100,000 rows costs no more to load than its bytes.

import { fromBytes } from "./bytes.js";
import { parseJSON } from "./json.js";
import { RangeTest } from "./ranges.js";

/** The version of the format of routes.json that is written. */
export const ROUTES_FORMAT = 5;
/** The oldest that this router reads. */
const OLDEST_FORMAT = 3;

/** Lengths in characters. */
export const DIGEST = 32;
const REVISION = 20;

const LINE_BREAK = 10;

/** Flags of a row. */
export const EXPERIMENTAL = 1;
export const SIGNED = 2;
export const PRERELEASE = 4;
export const UNSTABLE = 8;
export const SAME = 16;
/** How many values flags have. */
export const FLAGS = 32;

/** The values of the digits of a packed column, by their bytes. */
const DIGITS = new Uint8Array(128);
for (let i = 0; i < 64; i++) {
  DIGITS["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".charCodeAt(i)] = i;
}

/** @typedef {import("./cache.js").CachePolicy} CachePolicy */
/** @typedef {import("./ranges.js").Ranges} Ranges */
/** @typedef {{id: string, title: string, parent?: string}} Category */
/** @typedef {{categories: string[] | null}} Template */
/** @typedef {{fields?: string[], datasets?: string[]}} Discovery */
/** @typedef {{name: string, version: string, id: string}} Revision */

/**
 * What is small whatever the number of rows.
 * @typedef {object} Head
 * @property {number} format
 * @property {string} environment
 * @property {string} service_version
 * @property {CachePolicy} cache
 * @property {string} [site] the page that lists those of the catalogue
 * @property {{digest: string, names: number}[]} catalog the parts, and of how many names each is
 * @property {string} every the response that shows every version
 * @property {Category[]} categories
 * @property {Ranges[]} constraints
 * @property {(string[] | null)[]} capabilities
 * @property {string[]} types
 * @property {{major: number, minor: number}[]} specs
 * @property {(string[] | null)[]} labels
 * @property {(Template[] | null)[]} templates
 * @property {Discovery[]} discoveries
 * @property {number} packages how many names there are
 * @property {number[]} lengths of the columns, in bytes
 */

/** A column of routes.json that cannot be what regsnap wrote. */
export class RoutesError extends Error {}

/** A column of numbers: equally many digits of base 64 for each row. */
export class Numbers {
  /**
   * @param {Uint8Array} data
   * @param {Span} span
   * @param {number} rows
   */
  constructor(data, span, rows) {
    this.data = data;
    this.from = span.from;
    this.width = rows === 0 ? 0 : (span.to - span.from) / rows;
    if (!Number.isInteger(this.width)) throw new RoutesError("routes: a column is not as long as the others");
  }

  /** @param {number} row */
  at(row) {
    const { data, width } = this;
    let i = this.from + row * width;
    let n = DIGITS[data[i]];
    for (const end = i + width; ++i < end;) n = n * 64 + DIGITS[data[i]];
    return n;
  }
}

/** @typedef {{from: number, to: number}} Span a part of the file, in bytes */

/** Routes. They never change, but remember what was looked up. */
export class Table {
  /** @param {Uint8Array} data the file */
  constructor(data) {
    const { head, columns } = lines(data);
    this.data = data;
    /** @type {Head} */
    this.head = head;
    const span = (/** @type {string} */ name) => /** @type {Span} */ (columns.get(name));
    this.packages = head.packages;
    this.nameSpan = span("names");
    this.starts = new Numbers(data, span("starts"), this.packages);
    this.places = new Numbers(data, span("places"), this.packages);
    this.blocks = new Numbers(data, span("blocks"), this.packages);
    this.versions = span("versions");
    this.revisions = span("revisions").from;
    this.documents = span("documents").from;
    this.summaries = span("summaries");
    this.rows = (this.summaries.to - this.summaries.from) / DIGEST;
    /** @param {string} name */
    const numbers = (name) => new Numbers(data, span(name), this.rows);
    this.flags = numbers("flags");
    this.kibana = numbers("kibana");
    this.agent = numbers("agent");
    this.spec = numbers("spec");
    this.type = numbers("type");
    this.capability = numbers("capability");
    this.label = numbers("label");
    this.template = numbers("template");
    this.discovery = numbers("discovery");
    this.sizes = numbers("sizes");

    /** @type {Map<string, Category>} */
    this.titles = new Map();
    /** @type {Map<string, string[]>} the categories below one */
    this.children = new Map();
    for (const c of head.categories) {
      this.titles.set(c.id, c);
      if (c.parent) this.children.set(c.parent, [...(this.children.get(c.parent) ?? []), c.id]);
    }
    /** @type {(RangeTest | undefined)[]} */
    this.tests = [];
    /** @type {string[] | null} */
    this.nameList = null;
    /** @type {{part: Uint32Array, offset: Uint32Array, sizes: number[]} | null} */
    this.catalogPlaces = null;
    /** @type {Uint32Array | null} */
    this.firsts = null;
  }

  /**
   * Tests a constraint.
   * @param {number} constraint
   */
  test(constraint) {
    return (this.tests[constraint] ??= new RangeTest(this.head.constraints[constraint]));
  }

  /** The names, in order. */
  names() {
    return (this.nameList ??= fromBytes(this.data, this.nameSpan.from, this.nameSpan.to).split(" "));
  }

  /**
   * The place of a name in names; -1 when there is no such package.
   * @param {string} name
   */
  nameIndex(name) {
    const names = this.names();
    let low = 0;
    for (let high = names.length; low < high;) {
      const middle = (low + high) >> 1;
      if (names[middle] < name) low = middle + 1;
      else high = middle;
    }
    return names[low] === name ? low : -1;
  }

  /**
   * The versions of the i-th name, in order.
   * @param {number} i
   */
  versionsOf(i) {
    const { from, to } = this.versions;
    const end = i + 1 < this.packages ? from + this.places.at(i + 1) - 1 : to;
    return fromBytes(this.data, from + this.places.at(i), end).split(" ");
  }

  /**
   * The place in names of a row's name.
   * @param {number} row
   */
  nameOf(row) {
    let low = 0;
    for (let high = this.packages; high - low > 1;) {
      const middle = (low + high) >> 1;
      if (this.starts.at(middle) <= row) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Where the blocks of all names lie, and how long the parts of the catalog are. */
  catalog() {
    if (this.catalogPlaces) return this.catalogPlaces;
    const part = new Uint32Array(this.packages);
    const offset = new Uint32Array(this.packages);
    /** @type {number[]} */
    const sizes = [];
    let i = 0;
    for (const { names } of this.head.catalog) {
      let size = 0;
      for (const end = i + names; i < end; i++) {
        part[i] = sizes.length;
        offset[i] = size;
        size += this.blocks.at(i);
      }
      sizes.push(size);
    }
    return (this.catalogPlaces = { part, offset, sizes });
  }

  /** The first row of each name, and the number of rows after the last. */
  firstRows() {
    if (this.firsts) return this.firsts;
    const firsts = new Uint32Array(this.packages + 1);
    for (let i = 0; i < this.packages; i++) firsts[i] = this.starts.at(i);
    firsts[this.packages] = this.rows;
    return (this.firsts = firsts);
  }

  /**
   * The row of a package version, or -1.
   * @param {string} name
   * @param {string} version
   */
  find(name, version) {
    const i = this.nameIndex(name);
    if (i < 0) return -1;
    const k = this.versionsOf(i).indexOf(version);
    return k < 0 ? -1 : this.starts.at(i) + k;
  }

  /**
   * The id of the revision of a row.
   * @param {number} row
   */
  revision(row) {
    const at = this.revisions + row * REVISION;
    return fromBytes(this.data, at, at + REVISION);
  }

  /**
   * The digest of a row's package document.
   * @param {number} row
   */
  document(row) {
    const at = this.documents + row * DIGEST;
    return fromBytes(this.data, at, at + DIGEST);
  }

  /**
   * Tells whether a set has the category, or one below it.
   * @param {string[] | null} set
   * @param {string} category
   */
  hasCategory(set, category) {
    if (!set) return false;
    return set.includes(category) || (this.children.get(category) ?? []).some((c) => set.includes(c));
  }
}

/** The columns, in order. */
const COLUMNS = [
  ...[
    "names",
    "starts",
    "places",
    "blocks",
    "versions",
    "flags",
    "kibana",
    "agent",
    "spec",
    "type",
    "capability",
    "label",
  ],
  ...["template", "discovery", "sizes", "revisions", "documents", "summaries"],
];

/**
 * Finds the lines of routes.json.
 * @param {Uint8Array} data
 */
function lines(data) {
  const end = Math.max(0, data.indexOf(LINE_BREAK) - 1); // without the comma
  const format = /^\{"format":([0-9]+),/.exec(fromBytes(data, 0, Math.min(end, 32)))?.[1];
  if (!(Number(format) >= OLDEST_FORMAT && Number(format) <= ROUTES_FORMAT)) {
    throw new RoutesError(
      `routes: format ${format} is not known to this edge (want ${ROUTES_FORMAT}): make its bundle anew`,
    );
  }
  /** @type {Head} */
  const head = parseJSON(data.subarray(0, end), "}");
  /** @type {Map<string, Span>} */
  const columns = new Map();
  let at = end;
  COLUMNS.forEach((name, i) => {
    const from = at + `,\n"${name}":"`.length;
    at = from + head.lengths[i] + 1; // with the quotation mark after it
    columns.set(name, { from, to: at - 1 });
  });
  if (data.length !== at + "}\n".length) throw new RoutesError(`routes: ${data.length} bytes, want ${at + 2}`);
  return { head, columns };
}
