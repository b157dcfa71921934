// Code generated from the sources of the edge; DO NOT EDIT.
// cloudfront/origin_request.js
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

// router/errors.js
var StoreError = class extends Error {
};

// router/block.js
var FEW = 24;
function number(data, at, width) {
  let n = data[at];
  for (const end = at + width; ++at < end; ) n = n * 256 + data[at];
  return n;
}
function copy(data, from, length, out, at) {
  if (length > FEW) out.set(data.subarray(from, from + length), at);
  else for (const end = from + length; from < end; ) out[at++] = data[from++];
}
function writeSummary(data, block2, i, size, out, at) {
  const width = data[block2];
  const counts = block2 + 1;
  const rows = counts + 3 * width;
  const forms = rows + 3 * width * number(data, counts, width);
  const pieces = forms + width * number(data, counts + width, width);
  const pool = pieces + 2 * width * number(data, counts + 2 * width, width);
  const row = rows + 3 * width * i;
  const form = number(data, row, width);
  const version3 = pool + number(data, row + width, width);
  const length = number(data, row + 2 * width, width);
  let piece = pieces + (form === 0 ? 0 : 2 * width * number(data, forms + width * (form - 1), width));
  const last2 = pieces + 2 * width * number(data, forms + width * form, width);
  const end = at + size;
  for (; piece < last2; piece += 2 * width) {
    const n = number(data, piece + width, width);
    if (at + (n >> 1) + (n & 1) * length > end) break;
    copy(data, pool + number(data, piece, width), n >> 1, out, at);
    at += n >> 1;
    if ((n & 1) === 0) continue;
    copy(data, version3, length, out, at);
    at += length;
  }
  if (at !== end) throw new StoreError(`a part of the catalog is damaged: no summary of ${size} bytes at ${block2}`);
}

// router/bytes.js
var CHUNK = 1024;
function fromBytes(bytes, from = 0, to = bytes.length) {
  let out = "";
  for (let at = from; at < to; at += CHUNK) {
    out += String.fromCharCode.apply(
      null,
      /** @type {any} */
      bytes.subarray(at, Math.min(to, at + CHUNK))
    );
  }
  return out;
}
function toBytes(text) {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}
function utf8(text) {
  if (!/[^\0-\x7f]/.test(text)) return text;
  let out = "";
  for (const character of text) {
    let c = (
      /** @type {number} */
      character.codePointAt(0)
    );
    if (c >= 55296 && c <= 57343) c = 65533;
    if (c < 128) out += String.fromCharCode(c);
    else if (c < 2048) out += String.fromCharCode(192 | c >> 6, 128 | c & 63);
    else if (c < 65536) out += String.fromCharCode(224 | c >> 12, 128 | c >> 6 & 63, 128 | c & 63);
    else out += String.fromCharCode(240 | c >> 18, 128 | c >> 12 & 63, 128 | c >> 6 & 63, 128 | c & 63);
  }
  return out;
}
function* runes(text) {
  for (let i = 0; i < text.length; ) {
    const size = sequence(text, i);
    const bytes = text.slice(i, i + Math.max(1, size));
    i += bytes.length;
    const lead = bytes.charCodeAt(0);
    if (size === 0) {
      yield { code: 65533, valid: false, bytes };
      continue;
    }
    let code = size === 1 ? lead : lead & 255 >> size + 1;
    for (let k = 1; k < size; k++) code = code << 6 | bytes.charCodeAt(k) & 63;
    yield { code, valid: true, bytes };
  }
}
function sequence(text, at) {
  const lead = text.charCodeAt(at);
  if (lead < 128) return 1;
  const size = lead < 194 ? 0 : lead < 224 ? 2 : lead < 240 ? 3 : lead < 245 ? 4 : 0;
  if (at + size > text.length) return 0;
  for (let k = 1; k < size; k++) {
    const c = text.charCodeAt(at + k);
    const least = k > 1 ? 128 : lead === 224 ? 160 : lead === 240 ? 144 : 128;
    const most = k > 1 ? 191 : lead === 237 ? 159 : lead === 244 ? 143 : 191;
    if (c < least || c > most) return 0;
  }
  return size;
}

// router/fragment.js
var OPEN = '\n    "policy_templates": [\n';
var CLOSE = "\n    ]";
var END = "\n      }";
function keepTemplates(fragment, keep) {
  const start = fragment.indexOf(OPEN);
  const end = fragment.indexOf(CLOSE, start + OPEN.length);
  if (start < 0 || end < 0) return fragment;
  const before = fragment.slice(0, start);
  const after = fragment.slice(end + CLOSE.length);
  const templates = fragment.slice(start + OPEN.length, end).split(END + ",\n");
  const kept = templates.map((t, i) => i < templates.length - 1 ? t + END : t).filter((_, i) => keep.includes(i));
  if (kept.length > 0) return before + OPEN + kept.join(",\n") + CLOSE + after;
  return after.startsWith(",") ? before + after.slice(1) : before.replace(/,$/, "") + after;
}

// router/catalog.js
var OPEN2 = "[\n";
var SEPARATOR = ",\n";
var CLOSE2 = "\n]\n";
var CHUNK2 = 1 << 20;
var AHEAD = 5;
var Assembly = class {
  /**
   * @param {Table} t
   * @param {Selection} s of at least one row
   * @param {Parts} parts
   */
  constructor(t, s, parts) {
    this.table = t;
    this.selection = s;
    this.parts = parts;
    this.size = OPEN2.length + CLOSE2.length - SEPARATOR.length;
    for (const row of s.rows) this.size += t.sizes.at(row) + SEPARATOR.length;
    this.length = s.kept.size === 0 ? this.size : void 0;
    this.reading = /* @__PURE__ */ new Map();
  }
  /**
   * Where the rows are: each part that has some, from which on and up to which.
   */
  runs() {
    const { table: t, selection } = this;
    const { rows } = selection;
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
      reading.catch(() => {
      });
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
  async *chunks(most = CHUNK2) {
    const runs = this.runs();
    const writer = new Writer(this.size, most);
    for (const [k, { part, from, to }] of runs.entries()) {
      for (const next of runs.slice(k, k + 1 + AHEAD)) this.read(next.part);
      const data = await this.read(part);
      this.reading.delete(part);
      for (let i = from; (i = this.fill(writer, data, i, to)) < to; ) yield writer.take();
    }
    writer.text(CLOSE2);
    yield writer.take();
  }
  /** All of it at once, where nothing can be sent in parts. */
  async whole() {
    const writer = new Writer(this.size, this.size);
    for (const { part, from, to } of this.runs()) this.fill(writer, await this.read(part), from, to);
    writer.text(CLOSE2);
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
      writer.text(i === 0 ? OPEN2 : SEPARATOR);
      writeSummary(data, offset[name], row - firsts[name], size, writer.buffer, writer.at);
      const keep = kept.size > 0 ? kept.get(row) : void 0;
      if (keep) writer.bytes(toBytes(keepTemplates(fromBytes(writer.buffer, writer.at, writer.at + size), keep)));
      else writer.at += size;
    }
    return i;
  }
};
var Writer = class {
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
    const need = SEPARATOR.length + size + CLOSE2.length;
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
};

// router/keys.js
function validPackageName(name) {
  return /^[a-z0-9_]{1,200}$/.test(name);
}
function validSnapshot(id) {
  return /^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}$/.test(id);
}
function pointerKey(env) {
  return `environments/${env}.json`;
}
function auditKey(env, generation) {
  return `audit/${env}/${String(generation).padStart(12, "0")}.json`;
}
function routesKey(env, id) {
  return `snapshots/${env}/${id}/routes.json`;
}
function responseKey(digest) {
  return `responses/${digest}.json`;
}
function pageKey(digest) {
  return `responses/${digest}.page`;
}
function partKey(digest) {
  return `responses/${digest}.part`;
}
var GZIP_SUFFIX = ".gz";
var MIN_GZIP = 1 << 10;
async function digestOf(content, sha2562) {
  return hex(await sha2562(content), 16);
}
function hex(bytes, n) {
  let out = "";
  for (let i = 0; i < n; i++) out += bytes[i].toString(16).padStart(2, "0");
  return out;
}
async function prefix(r, sha2562) {
  return `packages/${r.name}/${await escapeElement(r.version, sha2562)}/${r.id}/`;
}
async function archiveKey(r, sha2562) {
  return await prefix(r, sha2562) + await escapeElement(`${r.name}-${r.version}.zip`, sha2562);
}
async function signatureKey(r, sha2562) {
  return await archiveKey(r, sha2562) + ".sig";
}
async function contentsKey(r, sha2562) {
  return await prefix(r, sha2562) + "contents.json";
}
async function fileKey(r, path, sha2562) {
  const elements = await Promise.all(path.split("/").map((e) => escapeElement(e, sha2562)));
  return await prefix(r, sha2562) + "files/" + elements.join("/");
}
var LONGEST = 220;
var ABBREVIATED = 160;
async function escapeElement(element, sha2562) {
  let s = element.replace(
    /[^A-Za-z0-9._,-]/g,
    (c) => "=" + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")
  );
  if (/^\.*$/.test(element)) s = s.replaceAll(".", "=2E");
  else s = s.replace(/\.attrs$/, "=2Eattrs");
  if (s.length <= LONGEST) return s;
  const cut = s[ABBREVIATED - 1] === "=" ? ABBREVIATED - 1 : s[ABBREVIATED - 2] === "=" ? ABBREVIATED - 2 : ABBREVIATED;
  return s.slice(0, cut) + "=-" + hex(await sha2562(toBytes(element)), 16);
}

// router/body.js
function bodyLength(pieces) {
  let n = 0;
  for (const p of pieces) {
    if (p.length === void 0) return void 0;
    n += p.length;
  }
  return n;
}
function missing(key, { forbidden }) {
  const why = forbidden?.has(key) ? "the store says 403: its credentials are missing or wrong, may not read this, or it is not there" : "is not there";
  return new StoreError(`${key}: ${why}`);
}
async function readObject(key, bucket) {
  const bytes = await bucket.read(key);
  if (!bytes) throw missing(key, bucket);
  return bytes;
}
async function readNamed(key, digest, bucket, sha2562) {
  return named(key, digest, await readObject(key, bucket), sha2562);
}
async function named(key, digest, content, sha2562) {
  if (await digestOf(content, sha2562) !== digest) throw new StoreError(`${key}: its content is another's`);
  return content;
}
async function open(part, bucket) {
  const opened = part.opened ?? await bucket.open(part.key, part.offset, part.length);
  if (!opened) throw missing(part.key, bucket);
  checkSize(part.key, opened.size, part.length);
  return opened;
}
function checkSize(key, size, want) {
  if (size !== null && want !== void 0 && size !== want) throw new StoreError(`${key}: ${size} bytes, want ${want}`);
}
async function* read(pieces, bucket, most) {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      yield piece;
      continue;
    }
    if (piece instanceof Assembly) {
      yield* piece.chunks(most);
      continue;
    }
    const { body } = await open(piece, bucket);
    yield* whole(chunks(body), piece);
  }
}
async function* whole(chunks2, part) {
  const { key, length = Infinity } = part;
  let n = 0;
  for await (const chunk of chunks2) {
    n += chunk.length;
    if (n > length) throw new StoreError(`${key}: more than the ${length} bytes that it is to have`);
    yield chunk;
  }
  checkSize(key, n, part.length);
}
var CHUNK3 = 256 << 10;
async function* chunks(stream) {
  let reader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    yield* smallChunks(stream.getReader());
    return;
  }
  try {
    for (; ; ) {
      const r = await reader.read(new Uint8Array(CHUNK3), { min: CHUNK3 });
      if (r.value?.length) yield r.value;
      if (r.done || !r.value?.length) return;
    }
  } finally {
    await reader.cancel().catch(() => {
    });
  }
}
async function* smallChunks(reader) {
  try {
    for (let r = await reader.read(); !r.done; r = await reader.read()) yield r.value;
  } finally {
    await reader.cancel().catch(() => {
    });
  }
}
async function readAll(pieces, bucket) {
  const parts = [];
  let size = 0;
  for await (const part of read(pieces, bucket, Infinity)) {
    parts.push(part.length < part.buffer.byteLength / 2 ? part.slice() : part);
    size += part.length;
  }
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

// router/json.js
var SHORT = /* @__PURE__ */ new Map([
  [8, "\\b"],
  [9, "\\t"],
  [10, "\\n"],
  [12, "\\f"],
  [13, "\\r"],
  [34, '\\"'],
  [92, "\\\\"]
]);
function jsonString(text) {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let out = '"';
  for (const { code, valid, bytes } of runes(text)) {
    if (!valid) out += "\\ufffd";
    else if (SHORT.has(code)) out += SHORT.get(code);
    else if (code < 32 || code === 8232 || code === 8233) out += "\\u" + code.toString(16).padStart(4, "0");
    else out += bytes;
  }
  return out + '"';
}
var decoder = new TextDecoder();
function parseJSON(bytes, end = "") {
  const text = decoder.decode(bytes) + end;
  if (!/[^\0-\x7f]|\\u/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value) => typeof value === "string" ? utf8(value) : value);
}

// router/categories.js
function count(t, s, includeTemplates) {
  const counts = /* @__PURE__ */ new Map();
  for (const { label, template, n } of alike(t, s.rows)) {
    const own2 = t.head.labels[label] ?? [];
    const add = (c) => counts.set(c, (counts.get(c) ?? 0) + n);
    own2.forEach(add);
    if (includeTemplates) countTemplates(t, own2, t.head.templates[template] ?? [], add);
  }
  const entries = [...counts.keys()].sort().map((id) => entry(t, id, counts.get(id)));
  return entries.length === 0 ? "[]\n" : "[\n" + entries.join(",\n") + "\n]\n";
}
function alike(t, rows) {
  const groups = /* @__PURE__ */ new Map();
  for (const row of rows) {
    const label = t.label.at(row);
    const template = t.template.at(row);
    const key = label * t.head.templates.length + template;
    const group = groups.get(key);
    if (group) group.n++;
    else groups.set(key, { label, template, n: 1 });
  }
  return groups.values();
}
function countTemplates(t, own2, templates, add) {
  const met = /* @__PURE__ */ new Set();
  for (const { categories } of templates) {
    if (categories === null && templates.length === 1) return;
    own2.forEach(add);
    for (const c of categories ?? []) {
      if (!met.has(c) && !t.hasCategory(own2, c)) add(c);
      met.add(c);
      add(c);
    }
  }
}
function entry(t, id, n) {
  const known = t.titles.get(id);
  const fields = [`"id": ${jsonString(id)}`, `"title": ${jsonString(known ? known.title : id)}`, `"count": ${n}`];
  if (known?.parent) {
    fields.push(`"parent_id": ${jsonString(known.parent)}`);
    const title = t.titles.get(known.parent)?.title;
    if (title) fields.push(`"parent_title": ${jsonString(title)}`);
  }
  return "  {\n    " + fields.join(",\n    ") + "\n  }";
}

// router/icon.js
var BASE64 = "AAABAAEAEBAAAAEAIABoBAAAFgAAACgAAAAQAAAAIAAAAAEAIAAAAAAAQAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEE3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/wAAAAAAAAAAAAAAAAAAAABBNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP8AAAAAAAAAAAAAAAAAAAAAQTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADMdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP8AAAAAAAAAAAAAAAAAAAAAzHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/AAAAAAAAAAAAAAAAAAAAAMx3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAs78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/AAAAAAAAAAAAAAAAAAAAALO/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/wAAAAAAAAAAAAAAAAAAAACzvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
var ICON = Uint8Array.from(atob(BASE64), (c) => c.charCodeAt(0));

// router/live.js
var LIVE_PATH = "-/live.json";
var FORMAT = 1;
var MOVES = 20;
var ENTRIES = 10;
var NAMES = 20;
var BRANCHES = 10;
var RECOVER = "recover";
function unknownLive(environment) {
  return toBytes(members({ format: FORMAT, environment }) + "\n");
}
async function liveBody(environment, pointer, bucket) {
  const { snapshot, generation, pinned, moves = [] } = parseJSON(pointer);
  const reading = [];
  for (let g = generation; g > 0 && g > generation - ENTRIES; g--) reading.push(entry2(environment, g, bucket));
  const log = (await Promise.all(reading)).filter(Boolean);
  const body = members({
    format: FORMAT,
    environment,
    snapshot,
    pinned: pinned && { json: members({ by: pinned.by, reason: pinned.reason, at: pinned.at }) },
    moves: list(moves.slice(0, MOVES), (move) => described(move, log))
  });
  return toBytes(body + "\n");
}
async function entry2(environment, generation, bucket) {
  try {
    const bytes = await bucket.read(auditKey(environment, generation));
    const a = bytes && parseJSON(bytes);
    return a && a.format === FORMAT && a.environment === environment && a.generation === generation ? a : null;
  } catch {
    return null;
  }
}
function described(m, log) {
  const { snapshot, kind, at, by = "", reason = "", pin } = m;
  const a = log.find(
    (a2) => a2.snapshot === snapshot && a2.at === at && (a2.by ?? "") === by && (a2.reason ?? "") === reason && (a2.kind === kind || a2.kind === RECOVER)
  );
  let left = NAMES;
  let more = a?.more ?? 0;
  const named3 = (names = []) => {
    const shown = names.slice(0, left);
    left -= shown.length;
    more += names.length - shown.length;
    return list(shown, jsonString);
  };
  const branches = list((a?.branches ?? []).slice(0, BRANCHES), ({ name, commit }) => members({ name, commit }));
  const [added, removed, changed] = [named3(a?.added), named3(a?.removed), named3(a?.changed)];
  return members({ snapshot, kind, at, by, reason, pin, before: a?.before, branches, added, removed, changed, more });
}
function list(values, write) {
  if (values.length === 0) return void 0;
  return { json: `[${values.map(write).join(",")}]` };
}
function members(of) {
  const out = [];
  for (const [name, value] of Object.entries(of)) {
    if (!value) continue;
    const json = typeof value === "object" ? value.json : typeof value === "string" ? jsonString(value) : String(value);
    out.push(`"${name}":${json}`);
  }
  return `{${out.join(",")}}`;
}

// router/quote.js
var SHORT2 = /* @__PURE__ */ new Map([
  [7, "\\a"],
  [8, "\\b"],
  [9, "\\t"],
  [10, "\\n"],
  [11, "\\v"],
  [12, "\\f"],
  [13, "\\r"],
  [34, '\\"'],
  [92, "\\\\"]
]);
function quote(text) {
  let out = '"';
  for (const { code, valid, bytes } of runes(text)) {
    if (!valid) out += "\\x" + hex2(bytes.charCodeAt(0), 2);
    else if (SHORT2.has(code)) out += SHORT2.get(code);
    else if (printable(code)) out += bytes;
    else if (code < 32 || code === 127) out += "\\x" + hex2(code, 2);
    else if (code < 65536) out += "\\u" + hex2(code, 4);
    else out += "\\U" + hex2(code, 8);
  }
  return out + '"';
}
function printable(code) {
  if (code < 127) return code >= 32;
  return /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(String.fromCodePoint(code));
}
function hex2(n, digits2) {
  return n.toString(16).padStart(digits2, "0");
}

// router/semver.js
var VersionError = class extends Error {
};
var LOOSE = /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;
var STRICT = /^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
var LONGEST2 = 256;
var LARGEST = "18446744073709551615";
function parseVersion(text) {
  if (text.length > LONGEST2) throw new VersionError("version string is too long (max 256 bytes)");
  const m = LOOSE.exec(text);
  if (!m) throw new VersionError("invalid semantic version");
  const [major, minor, patch] = [m[1], m[2] ?? "0", m[3] ?? "0"].map((digits2) => {
    if (!fits(digits2)) {
      throw new VersionError(
        `error parsing version segment: strconv.ParseUint: parsing "${digits2}": value out of range`
      );
    }
    return plain(digits2);
  });
  const pre = m[4] ? m[4].split(".") : [];
  if (pre.some(leadingZero)) throw new VersionError("version segment starts with 0");
  return { major, minor, patch, pre };
}
function isStrict(text) {
  return strict(text) !== null;
}
function parseStrict(text) {
  const v = strict(text);
  if (!v) throw new VersionError(`${text} is not a semantic version`);
  return v;
}
function strict(text) {
  const m = text.length > LONGEST2 ? null : STRICT.exec(text);
  if (!m || !fits(m[1]) || !fits(m[2]) || !fits(m[3])) return null;
  const pre = m[4] ? m[4].split(".") : [];
  return pre.some(leadingZero) ? null : { major: m[1], minor: m[2], patch: m[3], pre };
}
function leadingZero(part) {
  return part.length > 1 && part[0] === "0" && /^[0-9]+$/.test(part);
}
function plain(digits2) {
  return digits2.replace(/^0+(?=.)/, "");
}
function fits(digits2) {
  return compareNumbers(plain(digits2), LARGEST) <= 0;
}
function compareNumbers(a, b) {
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}
function compare(a, b) {
  const d = compareNumbers(a.major, b.major) || compareNumbers(a.minor, b.minor) || compareNumbers(a.patch, b.patch);
  if (d !== 0) return d;
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const d2 = comparePart(a.pre[i] ?? "", b.pre[i] ?? "");
    if (d2 !== 0) return d2;
  }
  return 0;
}
function comparePart(a, b) {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? -1 : 1;
  const numberA = isNumber(a);
  const numberB = isNumber(b);
  if (numberA && numberB) return compareNumbers(plain(a), plain(b));
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a < b ? -1 : 1;
}
function isNumber(part) {
  return /^[0-9]+$/.test(part) && fits(part);
}

// router/url.js
function parseTarget(target) {
  if (target === "*") return { path: "*", query: "", forceQuery: false };
  if (target[0] !== "/" || /[\0-\x20\x7f]/.test(target)) return null;
  const at = target.indexOf("?");
  const path = unescape(at < 0 ? target : target.slice(0, at));
  if (path === null) return null;
  return { path, query: at < 0 ? "" : target.slice(at + 1), forceQuery: at >= 0 && at === target.length - 1 };
}
function unescape(text) {
  if (!text.includes("%")) return text;
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null;
  return text.replace(/%(..)/g, (_, hex4) => String.fromCharCode(parseInt(hex4, 16)));
}
function parseQuery(query2) {
  const values = /* @__PURE__ */ new Map();
  for (const pair of query2.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const at = pair.indexOf("=");
    const key = unescape((at < 0 ? pair : pair.slice(0, at)).replaceAll("+", " "));
    const value = unescape((at < 0 ? "" : pair.slice(at + 1)).replaceAll("+", " "));
    if (key === null || value === null) continue;
    const list2 = values.get(key);
    if (list2) list2.push(value);
    else values.set(key, [value]);
  }
  return values;
}
function location(target, path) {
  const escaped = path.replace(
    /[^A-Za-z0-9\-_.~$&+,/:;=@]/g,
    (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")
  );
  return escaped + (target.forceQuery || target.query !== "" ? "?" + target.query : "");
}
function escapeBytes(url) {
  return url.replace(/[\x80-\xff]/g, (c) => "%" + c.charCodeAt(0).toString(16));
}
function cleanPath(path) {
  const kept = [];
  for (const element of path.split("/")) {
    if (element === "..") kept.pop();
    else if (element !== "" && element !== ".") kept.push(element);
  }
  const clean = "/" + kept.join("/");
  return path.endsWith("/") && clean !== "/" ? clean + "/" : clean;
}

// router/query.js
var QueryError = class extends Error {
};
function parseQuery2(raw, counting) {
  const values = parseQuery(raw);
  const get = (name) => values.get(name)?.[0] ?? "";
  const flag = (name) => parseBool(name, get(name));
  const kibana = version(get("kibana.version"), "Kibana");
  const agent = version(get("agent.version"), "agent");
  const specMin = specBound(get("spec.min"), "spec.min");
  const specMax = specBound(get("spec.max"), "spec.max");
  const capabilities = get("capabilities");
  const discovery = (values.get("discovery") ?? []).map(discoveryFilter);
  return {
    counting,
    kibana,
    agent,
    specMin,
    specMax,
    capabilities: capabilities === "" ? null : capabilities.split(","),
    discovery,
    prerelease: flag("prerelease"),
    experimental: flag("experimental"),
    includePolicyTemplates: counting && flag("include_policy_templates"),
    all: !counting && flag("all"),
    category: counting ? "" : get("category"),
    package: counting ? "" : get("package"),
    type: counting ? "" : get("type")
  };
}
function read2(text, prefix2) {
  try {
    return parseVersion(text);
  } catch (e) {
    if (!(e instanceof VersionError)) throw e;
    throw new QueryError(prefix2 + e.message);
  }
}
function version(text, whose) {
  return text === "" ? null : read2(text, `invalid ${whose} version '${text}': `);
}
function specBound(text, name) {
  if (text === "") return null;
  if (text.split(".").length !== 2) {
    throw new QueryError(`invalid '${name}' version: invalid version '${text}': it should be <major.version>`);
  }
  return read2(text, `invalid '${name}' version: invalid spec version '${text}': `);
}
function discoveryFilter(text) {
  const at = text.indexOf(":");
  const kind = text.slice(0, Math.max(0, at));
  if (kind === "fields" || kind === "datasets") return { kind, list: text.slice(at + 1).split(",") };
  const why = at < 0 ? `could not parse filter ${quote(text)}` : `unknown discovery filter ${quote(kind)}`;
  throw new QueryError(`invalid 'discovery' query param: '${text}': ${why}`);
}
var TRUE = /* @__PURE__ */ new Set(["1", "t", "T", "TRUE", "true", "True"]);
var FALSE = /* @__PURE__ */ new Set(["", "0", "f", "F", "FALSE", "false", "False"]);
function parseBool(name, text) {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new QueryError(`invalid '${name}' query param: '${text}'`);
}

// router/ranges.js
var RangeTest = class {
  /** @param {Ranges} ranges */
  constructor(ranges) {
    this.release = bounds(ranges.release);
    this.pre = bounds(ranges.pre);
  }
  /** @param {Version} v */
  accepts(v) {
    const list2 = v.pre.length > 0 ? this.pre : this.release;
    return list2.some((b) => compare(v, b.from) >= 0 && (b.to === null || compare(v, b.to) < 0));
  }
};
function bounds(list2 = []) {
  return list2.map(({ from, to }) => ({ from: parseStrict(from), to: to ? parseStrict(to) : null }));
}

// router/table.js
var ROUTES_FORMAT = 5;
var OLDEST_FORMAT = 3;
var DIGEST = 32;
var REVISION = 20;
var LINE_BREAK = 10;
var EXPERIMENTAL = 1;
var SIGNED = 2;
var PRERELEASE = 4;
var UNSTABLE = 8;
var SAME = 16;
var FLAGS = 32;
var DIGITS = new Uint8Array(128);
for (let i = 0; i < 64; i++) {
  DIGITS["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".charCodeAt(i)] = i;
}
var RoutesError = class extends Error {
};
var Numbers = class {
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
    for (const end = i + width; ++i < end; ) n = n * 64 + DIGITS[data[i]];
    return n;
  }
};
var Table = class {
  /** @param {Uint8Array} data the file */
  constructor(data) {
    const { head, columns } = lines(data);
    this.data = data;
    this.head = head;
    const span = (name) => (
      /** @type {Span} */
      columns.get(name)
    );
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
    this.titles = /* @__PURE__ */ new Map();
    this.children = /* @__PURE__ */ new Map();
    for (const c of head.categories) {
      this.titles.set(c.id, c);
      if (c.parent) this.children.set(c.parent, [...this.children.get(c.parent) ?? [], c.id]);
    }
    this.tests = [];
    this.nameList = null;
    this.catalogPlaces = null;
    this.firsts = null;
  }
  /**
   * Tests a constraint.
   * @param {number} constraint
   */
  test(constraint) {
    return this.tests[constraint] ??= new RangeTest(this.head.constraints[constraint]);
  }
  /** The names, in order. */
  names() {
    return this.nameList ??= fromBytes(this.data, this.nameSpan.from, this.nameSpan.to).split(" ");
  }
  /**
   * The place of a name in names; -1 when there is no such package.
   * @param {string} name
   */
  nameIndex(name) {
    const names = this.names();
    let low = 0;
    for (let high = names.length; low < high; ) {
      const middle = low + high >> 1;
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
    for (let high = this.packages; high - low > 1; ) {
      const middle = low + high >> 1;
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
    return this.catalogPlaces = { part, offset, sizes };
  }
  /** The first row of each name, and the number of rows after the last. */
  firstRows() {
    if (this.firsts) return this.firsts;
    const firsts = new Uint32Array(this.packages + 1);
    for (let i = 0; i < this.packages; i++) firsts[i] = this.starts.at(i);
    firsts[this.packages] = this.rows;
    return this.firsts = firsts;
  }
  /**
   * The row of a package version, or -1.
   * @param {string} name
   * @param {string} version
   */
  find(name, version3) {
    const i = this.nameIndex(name);
    if (i < 0) return -1;
    const k = this.versionsOf(i).indexOf(version3);
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
};
var COLUMNS = [
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
    "label"
  ],
  ...["template", "discovery", "sizes", "revisions", "documents", "summaries"]
];
function lines(data) {
  const end = Math.max(0, data.indexOf(LINE_BREAK) - 1);
  const format = /^\{"format":([0-9]+),/.exec(fromBytes(data, 0, Math.min(end, 32)))?.[1];
  if (!(Number(format) >= OLDEST_FORMAT && Number(format) <= ROUTES_FORMAT)) {
    throw new RoutesError(
      `routes: format ${format} is not known to this edge (want ${ROUTES_FORMAT}): make its bundle anew`
    );
  }
  const head = parseJSON(data.subarray(0, end), "}");
  const columns = /* @__PURE__ */ new Map();
  let at = end;
  COLUMNS.forEach((name, i) => {
    const from = at + `,
"${name}":"`.length;
    at = from + head.lengths[i] + 1;
    columns.set(name, { from, to: at - 1 });
  });
  if (data.length !== at + "}\n".length) throw new RoutesError(`routes: ${data.length} bytes, want ${at + 2}`);
  return { head, columns };
}

// router/filter.js
var PASSES = 1;
var FAILS = 2;
function filter(t, q) {
  const { head } = t;
  const tests = [];
  const add = (column, values, passes) => {
    const { from, width } = column;
    tests.push({ column, from, width, passes, known: new Uint8Array(width > 2 ? values : 1 << 7 * width) });
  };
  if (q.type !== "") add(t.type, head.types.length, (i) => head.types[i] === q.type);
  if (!q.experimental && !q.prerelease) add(t.flags, FLAGS, (flags) => (flags & (PRERELEASE | EXPERIMENTAL)) === 0);
  const { kibana, agent, specMin, specMax, capabilities, discovery } = q;
  if (kibana) add(t.kibana, head.constraints.length, (i) => accepts(t, i, kibana));
  if (!q.experimental) {
    if (agent) add(t.agent, head.constraints.length, (i) => accepts(t, i, agent));
    if (specMin || specMax) add(t.spec, head.specs.length, (i) => within(head.specs[i], specMin, specMax));
    if (capabilities) {
      add(
        t.capability,
        head.capabilities.length,
        (i) => (head.capabilities[i] ?? []).every((c) => capabilities.includes(c))
      );
    }
    if (discovery.length > 0) {
      add(t.discovery, head.discoveries.length, (i) => discovery.every((f) => matches(f, head.discoveries[i])));
    }
  }
  const { data } = t;
  return (row) => {
    for (let i = 0; i < tests.length; i++) {
      const { from, width, known, column } = tests[i];
      const at = from + row * width;
      const digits2 = width === 1 ? data[at] : width === 2 ? data[at] << 7 | data[at + 1] : column.at(row);
      const k = known[digits2] || (known[digits2] = tests[i].passes(column.at(row)) ? PASSES : FAILS);
      if (k === FAILS) return false;
    }
    return true;
  };
}
function accepts(t, constraint, v) {
  return constraint === 0 || t.test(constraint).accepts(v);
}
function within(spec, least, most) {
  const v = { major: String(spec.major), minor: String(spec.minor), patch: "0", pre: [] };
  return (!least || compare(v, least) >= 0) && (!most || compare(v, most) <= 0);
}
function matches(f, d) {
  if (f.kind === "datasets") return (d.datasets ?? []).some((s) => f.list.includes(s));
  return (d.fields ?? []).length > 0 && (d.fields ?? []).every((s) => f.list.includes(s));
}

// router/select.js
function select(t, q) {
  return pick(t, newest(t, q), q.category);
}
function newest(t, q) {
  const passes = filter(t, q);
  const yielding = q.all ? UNSTABLE : PRERELEASE;
  const preferred = (row) => passes(row) && (t.flags.at(row) & yielding) === 0;
  const out = [];
  const one = q.package === "" ? -1 : t.nameIndex(q.package);
  if (q.package !== "" && one < 0) return out;
  const firsts = t.firstRows();
  const end = q.package === "" ? t.packages : one + 1;
  for (let i = Math.max(0, one); i < end; i++) {
    const from = firsts[i];
    const to = firsts[i + 1];
    const best = q.experimental && last(t, from, to, preferred) >= 0 ? preferred : passes;
    if (q.all) {
      for (let row = from; row < to; row++) if (best(row)) out.push(row);
    } else {
      const row = last(t, from, to, best);
      if (row >= 0) out.push(row);
    }
  }
  return out;
}
function last(t, from, to, passes) {
  let row = to - 1;
  while (row >= from && !passes(row)) row--;
  if (row < from) return -1;
  let first = row;
  for (let r = row; r > from && (t.flags.at(r) & SAME) !== 0; r--) if (passes(r - 1)) first = r - 1;
  return first;
}
function pick(t, rows, category) {
  const s = { rows, kept: /* @__PURE__ */ new Map() };
  if (category === "") return s;
  s.rows = rows.filter((row) => {
    if (t.hasCategory(t.head.labels[t.label.at(row)], category)) return true;
    const templates = t.head.templates[t.template.at(row)] ?? [];
    if (!templates.some((p) => t.hasCategory(p.categories, category))) return false;
    const keep = [...templates.keys()].filter((i) => templates[i].categories?.includes(category));
    if (keep.length < templates.length) s.kept.set(row, keep);
    return true;
  });
  return s;
}
function showsEvery(q) {
  return q.all && q.prerelease && !q.experimental && q.category + q.package + q.type === "" && !(q.kibana || q.agent || q.specMin || q.specMax || q.capabilities) && q.discovery.length === 0;
}
function named2(t, { rows, kept }) {
  const title = toBytes("search 2\n");
  let cuts = "";
  if (kept.size > 0) {
    rows.forEach((row, i) => {
      const keep = kept.get(row);
      if (keep) cuts += "\n" + i + (keep.length > 0 ? ":" + keep.join(",") : "");
    });
  }
  const out = new Uint8Array(title.length + rows.length * DIGEST + cuts.length);
  out.set(title);
  let at = title.length;
  const { data } = t;
  const { from } = t.summaries;
  for (let i = 0; i < rows.length; ) {
    const first = rows[i];
    let n = 1;
    while (rows[i + n] === first + n) n++;
    out.set(data.subarray(from + first * DIGEST, from + (first + n) * DIGEST), at);
    at += n * DIGEST;
    i += n;
  }
  out.set(toBytes(cuts), at);
  return out;
}

// router/answer.js
var JSON_TYPE = "application/json";
var PLAIN_TYPE = "text/plain; charset=utf-8";
function plainError(status, text, cache) {
  return { kind: "direct", status, contentType: PLAIN_TYPE, cache, body: toBytes(text + "\n") };
}
function direct(contentType, cache, body) {
  return { kind: "direct", status: 200, contentType, cache, body };
}
var noRoute = plainError(404, "404 page not found", "error");
var noPackage = plainError(404, "package revision not found", "error");
var noArtifact = plainError(404, "artifact not found", "error");
var noSignature = plainError(404, "signature file not found", "error");
var badVersion = plainError(400, "invalid package version", "error");
var badMethod = plainError(405, "method not allowed", "error");
var noResource = plainError(404, "resource not found", "content");
var MOVABLE = /* @__PURE__ */ new Set(["/index.json/", "/health/", "/favicon.ico/", "/search/", "/categories/"]);
function answer(t, method, target) {
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
      body: toBytes("")
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
function index(t) {
  return `{
  "service.name": "package-registry",
  "service.version": ${jsonString(t.head.service_version)}
}
`;
}
var HTML = /* @__PURE__ */ new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&#34;"],
  ["'", "&#39;"]
]);
function moved(target, path) {
  const to = location(target, path);
  const link = to.replace(/[&<>"']/g, (c) => (
    /** @type {string} */
    HTML.get(c)
  ));
  return {
    kind: "direct",
    status: 301,
    contentType: "text/html; charset=utf-8",
    cache: "none",
    location: escapeBytes(to),
    body: toBytes(`<a href="${link}">Moved Permanently</a>.

`)
  };
}
function query(t, target) {
  let q;
  try {
    q = parseQuery2(target.query, target.path === "/categories");
  } catch (e) {
    if (!(e instanceof QueryError)) throw e;
    return plainError(400, e.message, "error");
  }
  const a = { kind: "search", status: 200, contentType: JSON_TYPE, cache: "content" };
  if (t.rows > 0 && showsEvery(q)) return { ...a, digest: t.head.every, select: () => select(t, q) };
  const selection = select(t, q);
  if (q.counting) {
    const body = toBytes(count(t, selection, q.includePolicyTemplates));
    return { ...a, kind: "count", body };
  }
  if (selection.rows.length === 0) return { ...a, kind: "direct", body: toBytes("[]") };
  return { ...a, select: () => selection, named: named2(t, selection) };
}
function pageRoute(t, target) {
  const digest = t.head.site;
  if (!digest) return noRoute;
  const { path } = target;
  const rest = path.replace(/^\/catalog\//, "");
  if (rest === LIVE_PATH) return { kind: "live", status: 200, contentType: JSON_TYPE, cache: "error" };
  const last2 = rest.slice(rest.lastIndexOf("/") + 1);
  const file = rest.startsWith("-/") && last2.includes(".") || last2 === "feed.xml" || last2 === "versions.json";
  if (path === "/catalog" || last2 !== "" && !file) return moved(target, path + "/");
  return { kind: "page", status: 200, contentType: pageType(last2), cache: "index", digest, path: rest };
}
function pageType(file) {
  const suffix = /\.(css|js|json|xml)$/.exec(file);
  return suffix && PAGE_TYPES.get(suffix[1]) || PAGE_HTML;
}
var PAGE_HTML = "text/html; charset=utf-8";
var PAGE_TYPES = /* @__PURE__ */ new Map([
  ["css", "text/css; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["json", JSON_TYPE],
  ["xml", "application/atom+xml"]
]);
function splitN(text, n) {
  const parts = text.split("/");
  return parts.length <= n ? parts : [...parts.slice(0, n - 1), parts.slice(n - 1).join("/")];
}
function packageRoute(t, target) {
  const [name, version3, file] = splitN(target.path.slice("/package/".length), 3);
  if (!name || !version3) return noRoute;
  if (file === void 0) return validPackageName(name) ? moved(target, target.path + "/") : noRoute;
  const document = file === "" && validPackageName(name);
  if (!document) return fileRoute(t, target, name, version3, file);
  if (!isStrict(version3)) return badVersion;
  const row = t.find(name, version3);
  if (row < 0) return noPackage;
  return { kind: "document", status: 200, contentType: JSON_TYPE, cache: "index", digest: t.document(row) };
}
function staticRoute(t, target) {
  const m = /^\/artifacts\/static\/([a-z0-9_]{1,200})-([^/]+)\/([\s\S]+)$/.exec(target.path);
  return m ? fileRoute(t, target, m[1], m[2], m[3]) : noRoute;
}
function fileRoute(t, target, name, version3, file) {
  if (target.path.endsWith("/")) return moved(target, target.path.slice(0, -1));
  if (!isStrict(version3)) return badVersion;
  const row = t.find(name, version3);
  if (row < 0) return noPackage;
  return {
    kind: "file",
    status: 200,
    contentType: "",
    cache: "content",
    revision: { name, version: version3, id: t.revision(row) },
    path: file
  };
}
function archiveRoute(t, target) {
  const slash = target.path.endsWith("/");
  const m = /^\/(?:epr\/[^/]+|artifacts\/packages)\/([a-z0-9_]{1,200})-([^/]+)\.zip(\.sig)?\/?$/.exec(target.path);
  if (!m) return noRoute;
  if (slash) return moved(target, target.path.slice(0, -1));
  const [, name, version3, signature] = m;
  if (!isStrict(version3)) return badVersion;
  const row = t.find(name, version3);
  if (signature && (row < 0 || (t.flags.at(row) & SIGNED) === 0)) return noSignature;
  if (row < 0) return noArtifact;
  const revision = { name, version: version3, id: t.revision(row) };
  const kind = signature ? "signature" : "archive";
  const contentType = signature ? "application/pgp-signature" : "application/zip";
  return { kind, status: 200, contentType, cache: "content", revision };
}

// router/envelope.js
var GZIP_HEADER = Uint8Array.of(31, 139, 8, 0, 0, 0, 0, 0, 0, 255);
var ENVELOPE = GZIP_HEADER.length + 8;
function gzipTrailer(crc32, size) {
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc32, true);
  trailer.setUint32(4, size, true);
  return new Uint8Array(trailer.buffer);
}

// router/archived.js
var LARGEST_ARCHIVED = 512 << 10;
async function archived(key, file, site) {
  const { size, stored, deflate } = file;
  return judged(
    key,
    file,
    site,
    async () => deflate ? inflated(key, await readAll(gzipPieces(key, file), site.bucket), site.inflate, size) : readAll([{ key, offset: stored, length: size }], site.bucket)
  );
}
function gzipPieces(key, { size, deflate }) {
  const { offset, size: length, crc32 } = (
    /** @type {NonNullable<typeof deflate>} */
    deflate
  );
  return [GZIP_HEADER, { key, offset, length }, gzipTrailer(crc32, size)];
}
function judgeable(size, encoded) {
  return Math.max(size, encoded) <= LARGEST_ARCHIVED;
}
async function archivedGzip(key, file, site) {
  let encoded = GZIP_HEADER;
  await judged(key, file, site, async () => {
    encoded = await readAll(gzipPieces(key, file), site.bucket);
    return inflated(key, encoded, site.inflate, file.size);
  });
  return encoded;
}
async function judged(key, { path, sha256: sha2562 }, { sha256: hash }, read3) {
  let content;
  try {
    content = await read3();
  } catch (e) {
    throw e instanceof StoreError ? e : new StoreError(`${key}: ${path}: ${e instanceof Error ? e.message : e}`);
  }
  if (await digestOf(content, hash) !== sha2562.slice(0, 32)) {
    throw new StoreError(`${key}: what it holds for ${path} is something else`);
  }
  return content;
}
function inflated(key, encoded, inflate2, length) {
  const opened = { size: null, body: inflate2(encoded) };
  return readAll(
    [{ key, length, opened }],
    /** @type {any} */
    null
  );
}

// router/cache.js
function cacheControl(policy, cacheClass) {
  switch (cacheClass) {
    case "index":
      return [`max-age=${policy.index}`, "public"];
    case "content":
      return [`max-age=${policy.content}`, "public"];
    case "error":
      return NO_STORE;
  }
  return [];
}
var NO_STORE = ["max-age=0", "private, no-store"];

// router/conditional.js
function etag(digest) {
  return `"${digest}"`;
}
function fileTag(sha2562) {
  return etag(sha2562.slice(0, 32));
}
function gzipped(tag) {
  return tag.slice(0, -1) + '-gzip"';
}
function precondition(headers, tag, modified) {
  const match = headers.get("if-match");
  if (match !== null && !listed(match, tag, true)) return 412;
  const none = headers.get("if-none-match");
  if (none !== null && listed(none, tag, false)) return 304;
  if (none === null && modified !== "" && headers.get("if-modified-since") === modified) return 304;
  return 0;
}
function listed(list2, tag, strong) {
  if (list2.trim() === "*") return true;
  const item = /[ \t,]*(W\/)?("[^"]*")/y;
  for (let m = item.exec(list2); m; m = item.exec(list2)) {
    if (m[2] === tag && !(m[1] && strong)) return true;
  }
  return false;
}
function rangeApplies(headers, tag) {
  const v = headers.get("if-range") ?? "";
  return v === "" || v === tag;
}

// router/contents.js
var OBJECTS = 1;
var FORMAT2 = 2;
function parseContents(data) {
  const c = parseJSON(data);
  if (c.format !== FORMAT2 && c.format !== OBJECTS)
    throw new Error(`contents: format ${c.format} is not known to this edge (want ${FORMAT2})`);
  return c;
}
function own({ format }, { object }) {
  return format === OBJECTS || object === true;
}

// router/encoding.js
function acceptsGzip(headers) {
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
function quality(params) {
  for (const p of params) {
    const text = /^\s*q\s*=(.*)$/i.exec(p)?.[1].trim();
    if (text === void 0) continue;
    const q = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(text) ? Number(text) : NaN;
    return Number.isFinite(q) ? Math.min(Math.max(q, 0), 1) : 0;
  }
  return 1;
}
function compressible(contentType) {
  return ["text/", "application/json", "image/svg+xml"].some((p) => contentType.startsWith(p));
}

// router/judged.js
var STORED = 512 << 10;
var INFLATED = 1 << 20;
async function judge(body, { bucket, exported }, sound, inflate2) {
  const { key, opened } = (
    /** @type {import("./body.js").Part} */
    body[0]
  );
  if (exported || !opened || opened.size === null || opened.size > STORED) return body;
  const stored = await readAll(body, bucket);
  const content = inflate2 ? await inflatedUpTo(key, stored, inflate2) : stored;
  if (content && !await sound(content)) throw new StoreError(`${key}: its content is another's`);
  return [stored];
}
async function inflatedUpTo(key, encoded, inflate2) {
  if (encoded[0] !== 31 || encoded[1] !== 139) throw new StoreError(`${key}: it is not gzip-encoded`);
  const opened = { size: null, body: inflate2(encoded) };
  const nowhere = (
    /** @type {any} */
    null
  );
  const parts = [];
  let n = 0;
  try {
    for await (const part of read([{ key, opened }], nowhere, Infinity)) {
      n += part.length;
      if (n > INFLATED) return null;
      parts.push(part);
    }
  } catch (e) {
    throw e instanceof StoreError ? e : new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
  }
  const end = new DataView(encoded.buffer, encoded.byteOffset).getUint32(encoded.length - 4, true);
  if (end !== n) throw new StoreError(`${key}: its gzip stream does not end where the object ends`);
  return readAll(parts, nowhere);
}

// router/kept.js
var Kept = class {
  /**
   * @param {number} most how much is kept, in bytes
   * @param {(digest: string) => Promise<{value: T, size: number}>} load
   */
  constructor(most, load) {
    this.most = most;
    this.load = load;
    this.kept = /* @__PURE__ */ new Map();
    this.bytes = 0;
  }
  /**
   * @param {string} digest
   * @returns {Promise<T>}
   */
  async get(digest) {
    const kept = this.kept.get(digest);
    if (kept) {
      this.kept.delete(digest);
      this.kept.set(digest, kept);
      return kept.value;
    }
    const loaded = await this.load(digest);
    if (!this.kept.has(digest)) {
      this.kept.set(digest, loaded);
      this.bytes += loaded.size;
    }
    for (const [oldest, { size }] of this.kept) {
      if (this.bytes <= this.most) break;
      this.kept.delete(oldest);
      this.bytes -= size;
    }
    return loaded.value;
  }
};

// router/page.js
var KEPT = 4 << 20;
var Lists = class extends Kept {
  /**
   * @param {import("./body.js").Bucket} bucket
   * @param {import("./keys.js").Hash} sha256
   */
  constructor(bucket, sha2562) {
    super(KEPT, async (digest) => {
      const bytes = await readNamed(pageKey(digest), digest, bucket, sha2562);
      return { value: parseJSON(bytes), size: bytes.length };
    });
  }
};
async function findPage(site, path, lists) {
  const own2 = entry3(site.pages, path);
  if (own2) return own2;
  const slash = path.indexOf("/");
  const of = slash < 0 ? null : entry3(site.packages, path.slice(0, slash));
  if (!of) return null;
  const rest = path.slice(slash + 1);
  const page = entry3(of.pages, rest);
  if (page) return page;
  if (rest === "versions.json") return of.list;
  if (!rest.endsWith("/")) return null;
  const { versions } = await lists.get(of.list);
  return versions.find((v) => v.version === rest.slice(0, -1))?.page ?? null;
}
function missingPage(site, path) {
  return entry3(site.pages, `404 ${path.split("/").length - 1}`);
}
function entry3(of, name) {
  return Object.prototype.hasOwnProperty.call(of, name) ? of[name] : null;
}
function styleHash(site) {
  for (const path of Object.keys(site.pages)) {
    const name = /^-\/([0-9a-f]{64})\.css$/.exec(path);
    if (name) {
      const bytes = name[1].replace(/../g, (hex4) => String.fromCharCode(parseInt(hex4, 16)));
      return ` 'sha256-${btoa(bytes)}'`;
    }
  }
  return "";
}
function pagePolicy(site) {
  return `default-src 'none'; img-src 'self'; style-src 'self'${styleHash(site)}; script-src '${site.script}'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;
}
var FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

// router/byterange.js
var RangeError416 = class extends Error {
};
var MOST = 16;
var LARGEST2 = "9223372036854775807";
function parseRange(header2, size) {
  if (header2 === "") return [];
  if (!header2.startsWith("bytes=")) throw new RangeError416("invalid range");
  const ranges = [];
  let beyond = false;
  let total = 0;
  for (const text of header2.slice("bytes=".length).split(",")) {
    const item = text.trim();
    if (item === "") continue;
    const r = oneRange(item, size);
    if (r.length === 0) {
      beyond = true;
      continue;
    }
    ranges.push(r);
    total += r.length;
  }
  if (ranges.length === 0 && beyond && size > 0) throw new RangeError416("invalid range: failed to overlap");
  return total > size || ranges.length > MOST ? [] : ranges;
}
function oneRange(item, size) {
  const m = /^[ \t]*([0-9]*)[ \t]*-[ \t]*([0-9]*)[ \t]*$/.exec(item);
  if (!m || [m[1], m[2]].some(tooLarge) || m[1] === "" && m[2] === "") throw new RangeError416("invalid range");
  if (m[1] === "") {
    const n = Math.min(Number(m[2]), size);
    return { start: size - n, length: n };
  }
  const start = Number(m[1]);
  if (start >= size) return { start, length: 0 };
  if (m[2] === "") return { start, length: size - start };
  if (Number(m[2]) < start) throw new RangeError416("invalid range");
  return { start, length: Math.min(size - 1, Number(m[2])) - start + 1 };
}
function tooLarge(digits2) {
  const significant = digits2.replace(/^0+/, "");
  return significant.length > LARGEST2.length || significant.length === LARGEST2.length && significant > LARGEST2;
}
function contentRange(r, size) {
  return `bytes ${r.start}-${r.start + r.length - 1}/${size}`;
}

// router/representation.js
async function deliver(x, rep) {
  const { headers, site } = x;
  x.head();
  if (rep.key) headers.set("accept-ranges", ["bytes"]);
  if (site.modified !== "") headers.set("last-modified", [site.modified]);
  const done = x.settled(rep.tag, site.modified);
  if (done) return done;
  if (rep.body) {
    headers.set("content-encoding", ["gzip"]);
    const content2 = x.request.method === "HEAD" ? void 0 : await rep.content?.();
    return { status: 200, headers, body: content2 ? [content2] : rep.body };
  }
  const key = (
    /** @type {string} */
    rep.key
  );
  let ranges;
  try {
    ranges = rangesOf(x, rep);
  } catch (e) {
    if (!(e instanceof RangeError416)) throw e;
    headers.set("content-range", [`bytes */${rep.size}`]);
    return x.fail(416, e.message);
  }
  if (ranges.length === 0 && rep.size === 0) return { status: 200, headers, body: [] };
  const content = x.request.method === "HEAD" ? void 0 : await rep.content?.();
  const part = (start, length) => content ? content.subarray(start, start + length) : { key, offset: start, length };
  if (ranges.length === 0) {
    return { status: 200, headers, body: [content ?? { key, length: rep.size }] };
  }
  if (ranges.length === 1) {
    const [r] = ranges;
    headers.set("content-range", [contentRange(r, rep.size)]);
    return { status: 206, headers, body: [part(r.start, r.length)] };
  }
  const boundary = "regsnap-" + rep.tag.slice(1, -1);
  const body = ranges.flatMap((r, i) => [
    toBytes(
      `${i === 0 ? "" : "\r\n"}--${boundary}\r
Content-Range: ${contentRange(r, rep.size)}\r
Content-Type: ${x.a.contentType}\r
\r
`
    ),
    part(r.start, r.length)
  ]);
  body.push(toBytes(`\r
--${boundary}--\r
`));
  headers.set("content-type", [`multipart/byteranges; boundary=${boundary}`]);
  return { status: 206, headers, body };
}
function rangesOf(x, rep) {
  const { method, headers } = x.request;
  if (method !== "GET" || !rangeApplies(headers, rep.tag)) return [];
  return parseRange(headers.get("range") ?? "", rep.size);
}

// router/handler.js
async function handle(request, site) {
  const parsed = parseTarget(request.target);
  const reply = parsed ? await new Exchange(request, site, answer(site.table, request.method, parsed)).reply() : refuse(400, "the URL is malformed");
  const length = bodyLength(reply.body) ?? await headLength(request, reply, site);
  if (length !== void 0 && reply.status !== 304) reply.headers.set("content-length", [String(length)]);
  if (request.method === "HEAD") reply.body = [];
  return reply;
}
async function headLength({ method }, { body }, { bucket }) {
  if (method !== "HEAD" || !(body[0] instanceof Assembly)) return void 0;
  return (await readAll(body, bucket)).length;
}
function refuse(status, text, headers = /* @__PURE__ */ new Map()) {
  const body = toBytes(text + "\n");
  headers.set("access-control-allow-origin", ["*"]);
  headers.set("content-type", [PLAIN_TYPE]);
  headers.set("cache-control", NO_STORE);
  headers.set("content-length", [String(body.length)]);
  return { status, headers, body: [body] };
}
function absent(key, bucket) {
  throw missing(key, bucket);
}
var DOCUMENT = 512 << 10;
var Exchange = class {
  /**
   * @param {Request} request
   * @param {Site} site
   * @param {Answer} a
   */
  constructor(request, site, a) {
    this.request = request;
    this.site = site;
    this.a = a;
    this.headers = /* @__PURE__ */ new Map([["access-control-allow-origin", ["*"]]]);
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
    const body = (
      /** @type {Uint8Array} */
      a.body
    );
    this.head();
    if (a.location !== void 0) this.headers.set("location", [a.location]);
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
    const digest = a.digest ?? await digestOf(
      /** @type {Uint8Array} */
      a.named ?? a.body,
      site.sha256
    );
    const tag = etag(digest);
    const gzip = acceptsGzip(request.headers);
    const expected = gzip ? gzipped(tag) : tag;
    if (request.headers.get("if-none-match")?.trim() !== "*" && precondition(request.headers, expected, "") === 304) {
      return (
        /** @type {Reply} */
        this.settled(expected)
      );
    }
    const found = gzip ? await this.stored(responseKey(digest) + GZIP_SUFFIX) : null;
    if (found) this.headers.set("content-encoding", ["gzip"]);
    const done = this.settled(found ? expected : tag);
    if (done) return done;
    const body = found ? await judge(found, site, (content) => this.sound(content, digest), site.inflate) : await this.plain(digest);
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
      return length === void 0 || content.length === length;
    }
    const want = a.body ? await digestOf(a.body, site.sha256) : digest;
    return await digestOf(content, site.sha256) === want;
  }
  /**
   * The body of a response as it is, stored or put together.
   * @param {string} digest
   * @returns {Promise<Piece[]>}
   */
  async plain(digest) {
    const { a } = this;
    if (a.body) return [a.body];
    const { table, parts, bucket, sha256: sha2562, exported } = this.site;
    const key = responseKey(digest);
    const head = this.request.method === "HEAD";
    if (!a.select) {
      if (head) return await this.stored(key) ?? absent(key, bucket);
      const bytes = await readNamed(key, digest, bucket, sha2562);
      return bytes.length <= DOCUMENT ? [bytes] : [{ key, length: bytes.length }];
    }
    const assembly = new Assembly(table, a.select(), parts);
    const { length, size } = assembly;
    if (size >= MIN_GZIP && size <= INFLATED && !exported) {
      const content = head && length !== void 0 ? null : await this.inflatedSearch(key + GZIP_SUFFIX, length);
      if (content) return [content];
      if (length !== void 0) return [assembly];
    }
    return await this.stored(key, length) ?? [assembly];
  }
  /**
   * A search that is stored encoded, as it is; null if it is not stored.
   * @param {string} key
   * @param {number} [length] that it is to have
   */
  async inflatedSearch(key, length) {
    const { bucket, inflate: inflate2 } = this.site;
    const encoded = await bucket.read(key);
    const content = encoded && await inflatedUpTo(key, encoded, inflate2);
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
    const { digest, path } = (
      /** @type {Required<Answer>} */
      a
    );
    const pages = await site.lists.get(digest);
    let page = await findPage(pages, path, site.lists);
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
    const { inflate: inflate2, sha256: sha2562 } = this.site;
    const sound = async (content) => await digestOf(content, sha2562) === page;
    if (body) return { status: a.status, headers, body: await judge(body, this.site, sound, inflate2) };
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
    const { bucket, inflate: inflate2, sha256: sha2562 } = this.site;
    return named(key, page, await inflated(key, await readObject(key, bucket), inflate2), sha2562);
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
      return found && [{ key, length: found.size ?? void 0 }];
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
    const key = await contentsKey(
      /** @type {any} */
      a.revision,
      site.sha256
    );
    return parseContents(await readObject(key, site.bucket));
  }
  /** A file of a package. */
  async file() {
    const { request, site, a } = this;
    const { revision, path } = (
      /** @type {Required<Answer>} */
      a
    );
    const contents = await this.contents();
    const f = contents.files.find((f2) => f2.path === path);
    if (!f) {
      this.a = noResource;
      return this.direct();
    }
    a.contentType = f.type;
    if (site.table.head.site) {
      this.headers.set("x-content-type-options", ["nosniff"]);
      this.headers.set("content-security-policy", [FILE_POLICY]);
    }
    const tag = fileTag(f.sha256);
    const { deflate: d } = f;
    if (d && ENVELOPE + d.size < f.size && compressible(f.type) && request.headers.get("range") === null && acceptsGzip(request.headers)) {
      const key2 = await archiveKey(revision, site.sha256);
      const content = judgeable(f.size, d.size) && !site.exported ? () => archivedGzip(key2, f, site) : void 0;
      return deliver(this, { size: ENVELOPE + d.size, tag: gzipped(tag), body: gzipPieces(key2, f), content });
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
    const { revision } = (
      /** @type {Required<Answer>} */
      a
    );
    const { archive, signature } = await this.contents();
    if (a.kind === "archive") {
      return deliver(this, {
        size: archive.size,
        tag: fileTag(archive.sha256),
        key: await archiveKey(revision, site.sha256)
      });
    }
    const key = await signatureKey(revision, site.sha256);
    if (!signature) throw new StoreError(`${key}: contents.json lists no signature`);
    return deliver(this, { size: signature.size, tag: fileTag(signature.sha256), key });
  }
};

// router/parts.js
var KEPT2 = 16 << 20;
var Parts = class extends Kept {
  /** @param {import("./body.js").Bucket} bucket */
  constructor(bucket) {
    super(KEPT2, async (digest) => {
      const value = await readObject(partKey(digest), bucket);
      return { value, size: value.length };
    });
  }
};

// router/sample.js
var NAMES2 = 60;
var VERSIONS = 12;
var DOCUMENT2 = 23 * VERSIONS + 5;
var TEXT = [
  '  {\n    "name": "package",\n    "title": "Package",\n    "version": "',
  '",\n    "description": "A package that is made up",\n    "path": "/package/package/',
  '"\n  }'
];
function digits(n, width) {
  const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let out = "";
  for (let i = width - 1; i >= 0; i--) out += all[n >> 6 * i & 63];
  return out;
}
function join(n, text, separator = "") {
  return Array.from({ length: n }, (_, i) => text(i)).join(separator);
}
var version2 = (row) => `1.${10 + row % VERSIONS}.0`;
function block() {
  const length = version2(0).length;
  const offset = TEXT.map((_, i) => TEXT.slice(0, i).join("").length);
  const pool = TEXT.join("") + join(VERSIONS, version2);
  const forms = [0, 1];
  const numbers = [VERSIONS, forms.length, forms.length * TEXT.length];
  for (let i = 0; i < VERSIONS; i++) numbers.push(i % forms.length, TEXT.join("").length + i * length, length);
  for (const form of forms) numbers.push((form + 1) * TEXT.length);
  for (const _ of forms) {
    TEXT.forEach((text, i) => numbers.push(offset[i], 2 * text.length + (i < TEXT.length - 1 ? 1 : 0)));
  }
  return toBytes("" + numbers.map((n) => String.fromCharCode(n >> 8, n & 255)).join("") + pool);
}
function sample() {
  const rows = NAMES2 * VERSIONS;
  const one = block();
  const size = TEXT.join("").length + 2 * version2(0).length;
  const ids = (length) => join(rows, (i) => String(i).padStart(length, "0"));
  const columns = {
    names: join(NAMES2, (i) => `package_${100 + i}`, " "),
    starts: join(NAMES2, (i) => digits(i * VERSIONS, 3)),
    places: join(NAMES2, (i) => digits(i * VERSIONS * (version2(0).length + 1), 3)),
    blocks: join(NAMES2, () => digits(one.length, 3)),
    versions: join(rows, version2, " "),
    flags: join(rows, (i) => digits(i % 8 === 0 ? 12 : 0, 1)),
    kibana: join(rows, (i) => digits(1 + i % 2, 2)),
    agent: join(rows, () => digits(1, 2)),
    spec: join(rows, (i) => digits(i % 2, 1)),
    type: join(rows, (i) => digits(i % 2, 1)),
    capability: join(rows, (i) => digits(i % 2, 1)),
    label: join(rows, (i) => digits(i % 3, 2)),
    template: join(rows, (i) => digits(i % 3, 2)),
    discovery: join(rows, () => digits(0, 1)),
    sizes: join(rows, () => digits(size, 2)),
    revisions: ids(20),
    documents: ids(DIGEST),
    summaries: ids(DIGEST)
  };
  const head = JSON.stringify({
    format: ROUTES_FORMAT,
    environment: "sample",
    service_version: "1.0.0",
    cache: { index: 1, content: 1 },
    catalog: [{ digest: "0".repeat(DIGEST), names: NAMES2 }],
    every: "0".repeat(DIGEST),
    categories: [
      { id: "a", title: "A" },
      { id: "b", title: "B", parent: "a" }
    ],
    constraints: [
      {},
      { release: [{ from: "8.0.0", to: "9.0.0" }] },
      { release: [{ from: "8.5.0" }], pre: [{ from: "8.6.0-a" }] }
    ],
    capabilities: [null, ["c"]],
    types: ["integration", "input"],
    specs: [
      { major: 1, minor: 0 },
      { major: 3, minor: 1 }
    ],
    labels: [null, ["a"], ["b"]],
    templates: [null, [{ categories: ["a"] }, { categories: null }], [{ categories: ["b"] }]],
    discoveries: [{}],
    packages: NAMES2,
    lengths: Object.values(columns).map((text) => text.length)
  });
  const lines2 = Object.entries(columns).map(([name, text]) => `,
"${name}":"${text}"`);
  const part = new Uint8Array(NAMES2 * one.length);
  for (let i = 0; i < NAMES2; i++) part.set(one, i * one.length);
  return {
    routes: toBytes(head.slice(0, -1) + lines2.join("") + "}\n"),
    part,
    contents: toBytes('{"format":1,"archive":{"size":1,"sha256":"00"},"files":[]}'),
    document: responseKey(columns.documents.slice(DOCUMENT2 * DIGEST, (DOCUMENT2 + 1) * DIGEST)) + GZIP_SUFFIX
  };
}

// router/warm.js
var ROUNDS = 40;
var REQUESTS = [
  "/search?kibana.version=8.5.0&prerelease=true",
  "/search?kibana.version=8.6.0-SNAPSHOT&spec.min=1.0&spec.max=3.0&capabilities=c,d&type=input",
  "/search?agent.version=8.5.0&category=b",
  "/search?category=a&prerelease=true",
  "/search?experimental=true&package=package_123",
  "/search?all=true",
  "/categories?kibana.version=8.5.0&include_policy_templates=true",
  "/package/package_123/1.15.0/",
  "/epr/package_123/package_123-1.15.0.zip"
];
async function warmUp() {
  const { routes, part, contents, document } = sample();
  const bucket = {
    open: async (key) => key === document ? { size: null, body: new ReadableStream() } : null,
    read: async (key) => key.endsWith(".part") ? part : key.endsWith("contents.json") ? contents : null,
    stat: async () => null
  };
  const headers = { get: (name) => name === "accept-encoding" ? "gzip" : null };
  const hash = new Uint8Array(32);
  const sha2562 = async () => hash;
  for (let i = 0; i < ROUNDS; i++) {
    const site = {
      table: new Table(routes),
      modified: "",
      bucket,
      parts: new Parts(bucket),
      lists: new Lists(bucket, sha2562),
      inflate: () => new ReadableStream(),
      sha256: sha2562
    };
    for (const target of REQUESTS) {
      const { body } = await handle({ method: "GET", target, headers }, site);
      if (target.startsWith("/search")) await readAll(body, bucket);
    }
  }
}

// platform/errors.js
var RETRY = 2;
function misdirected(host) {
  const shown = host.slice(0, LONGEST_HOST).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?");
  return refuse(421, `no environment of this registry answers for the host "${shown}"`);
}
var LONGEST_HOST = 255;
function failed(error, target, live) {
  console.error(`cannot answer ${JSON.stringify(target)}: ${error instanceof Error ? error.message : error}`);
  if (live) return refuse(502, "the object store of this registry does not answer");
  return refuse(
    503,
    "this registry has no snapshot that could be loaded yet",
    /* @__PURE__ */ new Map([["retry-after", [String(RETRY)]]])
  );
}

// platform/inflate.js
function inflate(encoded) {
  const stream = new Blob([
    /** @type {any} */
    encoded
  ]).stream();
  if (encoded[0] !== 31 || encoded[1] !== 139) return stream;
  return stream.pipeThrough(
    /** @type {any} */
    new DecompressionStream("gzip")
  );
}

// platform/snapshot.js
var KEPT3 = 2;
var NoPreview = class extends Error {
};
var Live = class {
  /**
   * @param {string} environment
   * @param {number} seconds for how long the pointer need not be looked at again
   * @param {Bucket} bucket
   * @param {Hash} sha256
   * @param {boolean} [preview] it must be one
   */
  constructor(environment, seconds, bucket, sha2562, preview = false) {
    this.preview = preview;
    this.environment = environment;
    this.milliseconds = seconds * 1e3;
    this.bucket = bucket;
    this.sha256 = sha2562;
    this.parts = new Parts(bucket);
    this.lists = new Lists(bucket, sha2562);
    this.sites = /* @__PURE__ */ new Map();
    this.live = null;
    this.looked = -Infinity;
    this.looks = 0;
    this.latest = 0;
  }
  /**
   * What a request is answered from, all of it: one snapshot, however the
   * pointer moves meanwhile. Who finds that it is time looks at the pointer; the
   * others go on with what is live. If that fails, what was live stays.
   * @returns {Promise<Site>}
   */
  async site() {
    const now = Date.now();
    if (this.live && now - this.looked < this.milliseconds) return this.live;
    this.looked = now;
    const look = ++this.looks;
    try {
      const site = await this.load();
      if (look > this.latest) {
        this.latest = look;
        this.live = site;
      }
    } catch (e) {
      if (e instanceof NoPreview) this.live = null;
      if (!this.live) throw e;
      console.error(`cannot follow the pointer of ${this.environment}: what was live stays live: ${e}`);
    }
    return (
      /** @type {Site} */
      this.live
    );
  }
  async load() {
    const { id, bytes } = await this.pointer();
    const known = this.sites.get(id);
    const site = known ?? {
      table: await this.table(id),
      modified: modifiedOf(id),
      bucket: this.bucket,
      parts: this.parts,
      lists: this.lists,
      inflate,
      sha256: this.sha256
    };
    let said;
    site.live = async () => said ??= await liveBody(this.environment, bytes, this.bucket);
    this.sites.delete(id);
    this.sites.set(id, site);
    for (const old of this.sites.keys()) if (this.sites.size > KEPT3) this.sites.delete(old);
    return site;
  }
  async pointer() {
    const key = pointerKey(this.environment);
    const bytes = this.preview ? await this.bucket.read(key) : await readObject(key, this.bucket);
    if (!bytes) throw new NoPreview(this.environment);
    let id, preview;
    try {
      ({ snapshot: id, preview } = JSON.parse(new TextDecoder().decode(bytes)));
    } catch {
    }
    if (this.preview && (typeof preview !== "object" || !preview)) throw new NoPreview(this.environment);
    if (typeof id !== "string" || !validSnapshot(id)) throw new StoreError(`${key}: names no snapshot`);
    return { id, bytes };
  }
  /** @param {string} id */
  async table(id) {
    const key = routesKey(this.environment, id);
    const table = new Table(await readObject(key, this.bucket));
    if (table.head.environment !== this.environment) {
      throw new RoutesError(`${key}: is of environment ${table.head.environment}`);
    }
    return table;
  }
};
function modifiedOf(id) {
  const m = /^(....)(..)(..)T(..)(..)(..)Z-/.exec(id);
  const at = m ? Date.parse(`${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}Z`) : NaN;
  return Number.isNaN(at) ? "" : new Date(at).toUTCString();
}

// platform/previews.js
var MOST2 = 8;
var ABSENT = 1e3;
var ENVIRONMENT = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;
var Previews = class {
  /**
   * @param {Config} config
   * @param {Bucket} bucket
   * @param {Hash} sha256
   */
  constructor(config, bucket, sha2562) {
    this.config = config;
    this.bucket = bucket;
    this.sha256 = sha2562;
    this.found = /* @__PURE__ */ new Map();
    this.absent = /* @__PURE__ */ new Map();
  }
  /**
   * The name that stands for the environment in the host of a preview; "" if no
   * environment can have it, undefined if the host is not one of previews.
   * @param {string} host
   */
  match(host) {
    const { previews } = this.config;
    if (!previews) return void 0;
    const name = host.replace(/:[^:\]]*$/, "").replace(/\.$/, "").replace(/[A-Z]/g, (c) => c.toLowerCase());
    const domain = previews.slice(1).toLowerCase();
    if (!name.endsWith(domain)) return void 0;
    const label = name.slice(0, -domain.length);
    return ENVIRONMENT.test(label) && !this.config.environments?.includes(label) ? label : "";
  }
  /**
   * What is live of a preview. NoPreview is thrown if there is none.
   * @param {string} name
   */
  async live(name) {
    const seconds = this.config.pointerSeconds;
    const at = this.absent.get(name);
    if (name === "" || at !== void 0 && Date.now() - at < seconds * 1e3) throw new NoPreview(name);
    const live = this.found.get(name) ?? new Live(name, seconds, this.bucket, this.sha256, true);
    this.found.delete(name);
    this.found.set(name, live);
    for (const old of this.found.keys()) if (this.found.size > MOST2) this.found.delete(old);
    try {
      await live.site();
    } catch (e) {
      if (e instanceof NoPreview) {
        this.found.delete(name);
        if (this.absent.size >= ABSENT) this.absent.clear();
        this.absent.set(name, Date.now());
      }
      throw e;
    }
    this.absent.delete(name);
    return live;
  }
};

// cloudfront/bucket.js
import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";

// platform/sigv4.js
var ALGORITHM = "AWS4-HMAC-SHA256";
var PAYLOAD = "UNSIGNED-PAYLOAD";
var encoder = new TextEncoder();
async function signed(method, url, region, credentials2, now) {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = time.slice(0, 8);
  const headers = { host: url.host, "x-amz-content-sha256": PAYLOAD, "x-amz-date": time };
  if (credentials2.token) headers["x-amz-security-token"] = credentials2.token;
  const names = Object.keys(headers).sort();
  const list2 = names.join(";");
  const canonical = [method, url.pathname, "", ...names.map((n) => `${n}:${headers[n]}`), "", list2, PAYLOAD].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const hash = hex3(await crypto.subtle.digest("SHA-256", encoder.encode(canonical)));
  const text = [ALGORITHM, time, scope, hash].join("\n");
  let key = await hmac(encoder.encode("AWS4" + credentials2.secret), day);
  for (const part of [region, "s3", "aws4_request"]) key = await hmac(key, part);
  const signature = hex3(await hmac(key, text));
  const { host: _, ...sent } = headers;
  return {
    ...sent,
    authorization: `${ALGORITHM} Credential=${credentials2.id}/${scope}, SignedHeaders=${list2}, Signature=${signature}`
  };
}
async function hmac(key, text) {
  const k = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", k, encoder.encode(text));
}
function hex3(buffer) {
  return [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, "0")).join("");
}

// platform/origin.js
function objectURL(origin, key) {
  return new URL(`${origin.url}/${key.split("/").map(encodeURIComponent).join("/")}`);
}
async function originHeaders(origin, method, url, offset, length) {
  const headers = origin.credentials ? await signed(method, url, origin.region, origin.credentials, /* @__PURE__ */ new Date()) : {};
  if (offset !== void 0) headers.range = `bytes=${offset}-${offset + Number(length) - 1}`;
  return headers;
}
var REMEMBERED = 100;
function exists(status, key, forbidden, offset) {
  forbidden.delete(key);
  if (status === 403) {
    if (forbidden.size >= REMEMBERED) forbidden.clear();
    forbidden.add(key);
  }
  if (status === 404 || status === 403) return false;
  const want = offset === void 0 ? 200 : 206;
  if (status !== want) throw new Error(`the origin says ${status}, want ${want}`);
  return true;
}

// cloudfront/bucket.js
var TIMEOUT = 2e4;
var clients = {
  "http:": { request: http.request, agent: new http.Agent({ keepAlive: true }) },
  "https:": { request: https.request, agent: new https.Agent({ keepAlive: true }) }
};
function nodeBucket(origin) {
  const forbidden = /* @__PURE__ */ new Set();
  async function ask(method, key, offset, length) {
    try {
      const to = origin();
      const url = objectURL(to, key);
      const message = await begin(method, url, await originHeaders(to, method, url, offset, length));
      if (exists(message.statusCode ?? 0, key, forbidden, offset)) return message;
      message.resume();
      return null;
    } catch (e) {
      throw new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
    }
  }
  return {
    forbidden,
    async open(key, offset, length) {
      const message = await ask("GET", key, offset, length);
      return message && { size: sizeOf(message), body: (
        /** @type {any} */
        Readable.toWeb(message)
      ) };
    },
    async read(key) {
      const message = await ask("GET", key);
      try {
        return message && Buffer.concat(await message.toArray());
      } catch (e) {
        throw new StoreError(`${key}: ${e instanceof Error ? e.message : e}`);
      }
    },
    async stat(key) {
      const message = await ask("HEAD", key);
      message?.resume();
      return message && { size: sizeOf(message) };
    }
  };
}
function begin(method, url, headers) {
  const { request, agent } = clients[
    /** @type {"http:" | "https:"} */
    url.protocol
  ];
  return new Promise((resolve, reject) => {
    const r = request(url, { method, headers, agent, timeout: TIMEOUT }, resolve);
    r.on("timeout", () => r.destroy(new Error("the origin does not answer")));
    r.on("error", reject);
    r.end();
  });
}
function sizeOf(message) {
  const length = message.headers["content-length"];
  return length === void 0 ? null : Number(length);
}

// cloudfront/event.js
var ANSWER_HEADER = "x-regsnap-answer";
var LONGEST3 = 1e6;
function eventSize(bytes) {
  return Math.ceil(bytes / 3) * 4;
}
function headersOf(headers, hidden) {
  return {
    /** @param {string} name */
    get(name) {
      const list2 = headers[name];
      return list2 && !hidden.includes(name) ? list2.map((h) => h.value).join(", ") : null;
    }
  };
}
function header(name, values) {
  return [{ key: name, value: values.join(", ") }];
}
var LEFT = ["content-length", "last-modified"];
function response(status, headers, body) {
  const list2 = [...headers].filter(([name]) => !LEFT.includes(name)).map(([name, values]) => [name, header(name, values)]);
  return {
    status: String(status),
    headers: Object.fromEntries(list2),
    body: Buffer.from(body).toString("base64"),
    bodyEncoding: "base64"
  };
}

// cloudfront/origin_request.js
var HOST_HEADER = "x-regsnap-host";
var BETWEEN = ["range", "if-range", "if-modified-since"];
var ASSEMBLED = 8 << 20;
function originRequest(config) {
  void warmUp();
  const bucket = nodeBucket(() => ({
    url: config.origin,
    region: config.region ?? "us-east-1",
    credentials: credentials()
  }));
  const live = new Live(config.environment, config.pointerSeconds, bucket, sha256);
  const previews = new Previews(config, bucket, sha256);
  return async (event) => {
    const { request } = event.Records[0].cf;
    const target = utf8(request.uri + (request.querystring ? "?" + request.querystring : ""));
    const method = request.method === "HEAD" ? "GET" : request.method;
    const host = request.headers[HOST_HEADER]?.[0]?.value ?? "";
    const name = previews.match(host);
    try {
      const followed = name === void 0 ? live : await previews.live(name);
      const site = await followed.site();
      for (const hidden of [BETWEEN, [...BETWEEN, "accept-encoding"]]) {
        const headers = headersOf(request.headers, hidden);
        const reply = await handle({ method, target, headers }, site);
        const key = await forwardedKey(reply);
        if (key) return forward(request, key, reply);
        const encoded = reply.headers.has("content-encoding");
        const out = await generate(reply, bucket, acceptsGzip(headers));
        if (out) return out;
        if (!encoded) break;
      }
      return tooLarge2(followed === live ? config : {}, request);
    } catch (e) {
      const followed = name === void 0 ? live : previews.found.get(name);
      const reply = e instanceof NoPreview ? misdirected(host) : failed(e, target, followed?.live != null);
      return response(reply.status, reply.headers, await readAll(reply.body, bucket));
    }
  };
}
async function forwardedKey(reply) {
  const [part] = reply.body;
  if (reply.status !== 200 || reply.body.length !== 1) return null;
  if (part instanceof Uint8Array || part instanceof Assembly || part.offset !== void 0) return null;
  if (part.opened) {
    if (eventSize(part.opened.size ?? Infinity) <= LONGEST3) return null;
    await part.opened.body.cancel();
  }
  return part.key;
}
function forward(request, key, reply) {
  request.uri = "/" + key.split("/").map(encodeURIComponent).join("/");
  request.querystring = "";
  delete request.headers[HOST_HEADER];
  delete request.headers["if-match"];
  const shown = [
    "accept-ranges",
    "content-length",
    "content-type",
    "cache-control",
    "content-encoding",
    "content-security-policy",
    "etag",
    "referrer-policy",
    "vary",
    "x-content-type-options"
  ].filter((name) => reply.headers.has(name));
  const answer2 = Object.fromEntries(shown.map((name) => [name, reply.headers.get(name)?.join(", ")]));
  request.headers[ANSWER_HEADER] = header(ANSWER_HEADER, [JSON.stringify(answer2)]);
  return request;
}
async function generate(reply, bucket, gzip) {
  if (reply.body.reduce((n, piece) => n + longest(piece), 0) > ASSEMBLED) return null;
  const { status, headers } = reply;
  const body = await readAll(reply.body, bucket);
  if (eventSize(body.length) <= LONGEST3) return response(status, headers, body);
  if (!gzip || headers.has("content-encoding")) return null;
  const encoded = gzipSync(body);
  if (eventSize(encoded.length) > LONGEST3) return null;
  headers.set("content-encoding", ["gzip"]);
  headers.set("etag", [gzipped(headers.get("etag")?.[0] ?? "")]);
  return response(status, headers, encoded);
}
function longest(piece) {
  if (piece instanceof Uint8Array) return piece.length;
  if (piece instanceof Assembly) return piece.size;
  return piece.opened?.size ?? piece.length ?? Infinity;
}
function tooLarge2({ fallback }, request) {
  if (!fallback) {
    const text = "this answer is larger than the edge can send: ask with Accept-Encoding: gzip, or for fewer packages";
    const { status, headers, body } = refuse(503, text);
    return response(
      status,
      headers,
      /** @type {Uint8Array} */
      body[0]
    );
  }
  request.origin = {
    custom: {
      domainName: fallback,
      port: 443,
      protocol: "https",
      path: "",
      sslProtocols: ["TLSv1.2"],
      readTimeout: 30,
      keepaliveTimeout: 5,
      customHeaders: {}
    }
  };
  request.headers.host = header("host", [fallback]);
  return request;
}
function credentials() {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  return id && secret ? { id, secret, token } : null;
}
async function sha256(bytes) {
  return createHash("sha256").update(bytes).digest();
}

// <stdin>
var handler = originRequest(configuration);
export {
  handler
};
