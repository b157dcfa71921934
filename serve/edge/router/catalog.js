// The twin of layout/catalog.go and serve/assemble.go: a search response that
// was not rendered ahead, put together from parts of the catalog.

import { writeSummary } from "./block.js";
import { fromBytes, toBytes } from "./bytes.js";
import { StoreError } from "./errors.js";
import { keepTemplates } from "./fragment.js";

/** @typedef {import("./table.js").Table} Table */
/** @typedef {import("./select.js").Selection} Selection */
/** @typedef {import("./parts.js").Parts} Parts */

const OPEN = "[\n";
const SEPARATOR = ",\n";
const CLOSE = "\n]\n";

/** How much is put together at once, in bytes, of what is more than one row. */
const CHUNK = 1 << 20;

/** How many parts are read ahead of the one that is needed. */
const AHEAD = 5;

/** The body of a search response, on its way. */
export class Assembly {
  /**
   * @param {Table} t
   * @param {Selection} s of at least one row
   * @param {Parts} parts
   */
  constructor(t, s, parts) {
    this.table = t;
    this.selection = s;
    this.parts = parts;
    /** What it has at most, in bytes. */
    this.size = OPEN.length + CLOSE.length - SEPARATOR.length;
    for (const row of s.rows) this.size += t.sizes.at(row) + SEPARATOR.length;
    /** The length in bytes; not known if entries are to be cut. */
    this.length = s.kept.size === 0 ? this.size : undefined;
    /** @type {Map<number, Promise<Uint8Array>>} parts that are being read */
    this.reading = new Map();
  }

  /**
   * Where the rows are: each part that has some, from which on and up to which.
   */
  runs() {
    const { table: t, selection } = this;
    const { rows } = selection;
    /** @type {{part: number, from: number, to: number}[]} */
    const out = [];
    const firsts = t.firstRows();
    const parts = t.catalog().part;
    for (let i = 0, name = 0; i < rows.length; i++) {
      while (firsts[name + 1] <= rows[i]) name++;
      const part = parts[name];
      if (out.length === 0 || out[out.length - 1].part !== part) out.push({ part, from: i, to: i });
      out[out.length - 1].to = i + 1;
    }
    return out;
  }

  /**
   * Begins to read a part, or tells of the one that is being read.
   * @param {number} part
   */
  read(part) {
    let reading = this.reading.get(part);
    if (!reading) {
      reading = this.fetch(part);
      reading.catch(() => {}); // whoever waits for it is told
      this.reading.set(part, reading);
    }
    return reading;
  }

  /** @param {number} part */
  async fetch(part) {
    const { digest } = this.table.head.catalog[part];
    const data = await this.parts.get(digest);
    const size = this.table.catalog().sizes[part];
    if (data.length !== size) throw new StoreError(`part ${digest}: ${data.length} bytes, want ${size}`);
    return data;
  }

  /** Reads what comes first, so that a failing store is found before anything is sent. */
  async begin() {
    await this.read(this.runs()[0].part);
  }

  /**
   * @param {number} [most] of a chunk, in bytes
   * @returns {AsyncGenerator<Uint8Array>}
   */
  async *chunks(most = CHUNK) {
    const runs = this.runs();
    const writer = new Writer(this.size, most);
    for (const [k, { part, from, to }] of runs.entries()) {
      for (const next of runs.slice(k, k + 1 + AHEAD)) this.read(next.part);
      const data = await this.read(part);
      this.reading.delete(part);
      for (let i = from; (i = this.fill(writer, data, i, to)) < to;) yield writer.take();
    }
    writer.text(CLOSE);
    yield writer.take();
  }

  /** All of it at once, where nothing can be sent in parts. */
  async whole() {
    const writer = new Writer(this.size, this.size);
    for (const { part, from, to } of this.runs()) this.fill(writer, await this.read(part), from, to);
    writer.text(CLOSE);
    return writer.take();
  }

  /**
   * Writes entries whose summaries are in one part, as many as there is room for.
   * @param {Writer} writer
   * @param {Uint8Array} data
   * @param {number} i the first of them
   * @param {number} to
   * @returns the first for which there was none
   */
  fill(writer, data, i, to) {
    const { table: t, selection } = this;
    const { rows, kept } = selection;
    const firsts = t.firstRows();
    const { offset } = t.catalog();
    for (let name = t.nameOf(rows[i]); i < to; i++) {
      const row = rows[i];
      while (firsts[name + 1] <= row) name++;
      const size = t.sizes.at(row);
      if (writer.full(size)) break;
      writer.text(i === 0 ? OPEN : SEPARATOR);
      writeSummary(data, offset[name], row - firsts[name], size, writer.buffer, writer.at);
      const keep = kept.size > 0 ? kept.get(row) : undefined;
      if (keep) writer.bytes(toBytes(keepTemplates(fromBytes(writer.buffer, writer.at, writer.at + size), keep)));
      else writer.at += size;
    }
    return i;
  }
}

/** Chunks of a body, of which at most so many bytes are to come. */
class Writer {
  /**
   * @param {number} rest
   * @param {number} most of a chunk
   */
  constructor(rest, most) {
    this.rest = rest;
    this.most = most;
    this.buffer = new Uint8Array(Math.min(rest, most));
    this.at = 0;
  }

  /**
   * Tells whether there is no room for a summary of so many bytes, with what is
   * before it and the end; an empty buffer makes room.
   * @param {number} size
   */
  full(size) {
    const need = SEPARATOR.length + size + CLOSE.length;
    if (this.at + need <= this.buffer.length) return false;
    if (this.at > 0) return true;
    this.buffer = new Uint8Array(need);
    return false;
  }

  /** What was written. */
  take() {
    const out = this.buffer.subarray(0, this.at);
    this.rest -= this.at;
    this.buffer = new Uint8Array(Math.min(this.rest, this.most));
    this.at = 0;
    return out;
  }

  /** @param {string} text */
  text(text) {
    for (let i = 0; i < text.length; i++) this.buffer[this.at++] = text.charCodeAt(i);
  }

  /** @param {Uint8Array} bytes */
  bytes(bytes) {
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }
}
