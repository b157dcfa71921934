// Answers that are put together from parts of the catalog, and what is kept in memory.

import assert from "node:assert/strict";

import { writeSummary } from "../../router/block.js";
import { Assembly } from "../../router/catalog.js";
import { StoreError } from "../../router/errors.js";
import { keepTemplates } from "../../router/fragment.js";
import { Kept } from "../../router/kept.js";
import { Lists } from "../../router/page.js";
import { Parts } from "../../router/parts.js";
import { block, bytes, digest, registry, sha256, Store, summaryOf, text } from "./registry.js";

// Blocks with numbers of each width: every row as it was, wherever it is written.
const versions = ["1.0.0", "1.0.1", "10.20.30-rc.1"];
const long = "x".repeat(24);
const summaries = [
  "",
  `of 1.0.1, with ${long}1.0.1${long}y`,
  `10.20.30-rc.110.20.30-rc.1 ${long.repeat(2)} at the end 10.20.30-rc.1`,
];
for (const width of [1, 2, 3, 4]) {
  if (width === 1) summaries[2] = summaries[2].slice(0, 60); // offsets up to 255
  const data = bytes("before" + text(block(versions, summaries, width)) + "after");
  summaries.forEach((summary, i) => {
    const out = new Uint8Array(summary.length + 9).fill(1);
    writeSummary(data, 6, i, summary.length, out, 5);
    assert.equal(text(out), "\x01".repeat(5) + summary + "\x01".repeat(4), `${width} ${i}`);
    // One byte more or less than the table says: the part is damaged.
    for (const size of [summary.length - 1, summary.length + 1]) {
      if (size < 0) continue;
      assert.throws(
        () => writeSummary(data, 6, i, size, out, 5),
        new StoreError(`a part of the catalog is damaged: no summary of ${size} bytes at 6`),
      );
      assert.equal(text(out).slice(-3), "\x01".repeat(3), "nothing is written after its place");
    }
  });
}

// Two rows that share a form.
const shared = bytes(["\x01", "\x02\x01\x02", "\x00\x02\x01\x00\x03\x01", "\x02", "\x00\x03\x01\x02", "ab12"].join(""));
["a1b", "a2b"].forEach((want, i) => {
  const out = new Uint8Array(3);
  writeSummary(shared, 0, i, 3, out, 0);
  assert.equal(text(out), want);
});

// Policy templates that go: layout's rules of a summary.
const template = (/** @type {string} */ name) => `      {\n        "name": "${name}"\n      }`;
const field = (/** @type {string[]} */ ...names) =>
  names.length === 0 ? "" : `,\n    "policy_templates": [\n${names.map(template).join(",\n")}\n    ]`;
for (const after of ["", ',\n    "owner": {}']) {
  const made = (/** @type {string[]} */ ...names) => `  {\n    "name": "n"${field(...names)}${after}\n  }`;
  for (const names of [["a"], ["a", "b"], ["a", "b", "c"]]) {
    for (let set = 0; set < 1 << names.length; set++) {
      const keep = names.map((_, i) => i).filter((i) => set & (1 << i));
      assert.equal(keepTemplates(made(...names), keep), made(...keep.map((i) => names[i])), JSON.stringify(keep));
    }
  }
  assert.equal(keepTemplates(made(), [0]), made());
  assert.equal(keepTemplates(made(), []), made());
}
const first = `  {\n    "policy_templates": [\n${template("a")}\n    ],\n    "name": "n"\n  }`;
assert.equal(keepTemplates(first, []), `  {\n    "name": "n"\n  }`);
const cutOff = '  {\n    "policy_templates": [\n';
assert.equal(keepTemplates(cutOff, []), cutOff, "what has no end stays");
const early = "  {\n    ],\n" + cutOff;
assert.equal(keepTemplates(early, []), early, "an end before it is none of its");

// Nine names in parts of two, of which some have several versions.
/** @type {import("./registry.js").Packages} */
const packages = {};
for (let i = 0; i < 9; i++) {
  packages[`n${i}`] = Array.from({ length: 1 + (i % 3) }, (_, k) => ({ version: `${k}.0.0` }));
}
packages.n4[1].summary = summaryOf("n4", "1.0.0").replace("\n  }", `${field("a", "b")}\n  }`);
const all = Object.entries(packages).flatMap(([name, list]) =>
  list.map(({ version, summary }) => summary ?? summaryOf(name, version)),
);
const cutRow = all.findIndex((s) => s.includes("policy_templates"));
const PARTS = 5;

/** @param {number[]} rows @param {Map<number, number[]>} [kept] */
const assemble = (rows, kept = new Map()) => {
  const { site, store, objects } = registry(packages, { perPart: 2 });
  return { assembly: new Assembly(site.table, { rows, kept }, site.parts), store, objects };
};
/** @param {number[]} rows */
const want = (...rows) => `[\n${rows.map((row) => all[row]).join(",\n")}\n]\n`;
/** @param {Assembly} assembly @param {number} [most] */
const chunksOf = async (assembly, most) => {
  const out = [];
  for await (const chunk of assembly.chunks(most)) out.push(text(chunk));
  return out;
};

const everyRow = all.map((_, i) => i);
const longest = Math.max(...all.map((s) => s.length));
const lists = [everyRow, [0], [all.length - 1], [1, 2, 9], [0, 5, 6, 16], [3, 4, 5]];
for (const rows of lists) {
  const whole = want(...rows);
  assert.equal(text(await assemble(rows).assembly.whole()), whole);
  const { length, size } = assemble(rows).assembly;
  assert.deepEqual([length, size], [whole.length, whole.length]);
  for (const most of [
    1,
    60,
    longest + 4,
    longest + 5,
    longest + 6,
    300,
    1000,
    whole.length,
    1 << 20,
    Infinity,
    undefined,
  ]) {
    const chunks = await chunksOf(assemble(rows).assembly, most);
    assert.equal(chunks.join(""), whole, `${rows} in ${most}`);
    // Of more than one row there is never more than what was asked for, and as much as fits.
    for (const chunk of chunks) assert.ok(chunk.length <= Math.max(most ?? 1 << 20, longest + 5), `${chunk.length}`);
    if (!most || most >= whole.length) assert.equal(chunks.length, 1);
  }
}
// Of 300 bytes those entries are sent together that fit with what is before them and the end.
let room = 0;
let sent = 0;
for (const summary of all) {
  if (room > 0 && room + 2 + summary.length + 3 > 300) {
    sent++;
    room = 0;
  }
  room += 2 + summary.length;
}
assert.equal((await chunksOf(assemble(everyRow).assembly, 300)).length, sent + 1);

// Entries that are cut: the length is not known before.
for (const [keep, names] of /** @type {[number[], string[]][]} */ ([
  [[], []],
  [[0], ["a"]],
  [[1], ["b"]],
])) {
  const cut = `[\n${summaryOf("n4", "1.0.0").replace("\n  }", `${field(...names)}\n  }`)},\n${all[cutRow + 1]}\n]\n`;
  const { assembly } = assemble([cutRow, cutRow + 1], new Map([[cutRow, keep]]));
  assert.equal(assembly.length, undefined);
  assert.equal(text(await assembly.whole()), cut);
  const chunks = await chunksOf(assemble([cutRow, cutRow + 1], new Map([[cutRow, keep]])).assembly, 60);
  assert.equal(chunks.join(""), cut);
}

// Each part is read once, in order, and those that have no row not at all.
for (const [rows, parts] of [
  [everyRow, [0, 1, 2, 3, 4]],
  [[0], [0]],
  [
    [0, 1, 2, 9],
    [0, 2],
  ],
  [[all.length - 1], [4]],
]) {
  const { assembly, store } = assemble(rows);
  assert.deepEqual(
    assembly.runs().map((r) => r.part),
    parts,
  );
  await assembly.begin();
  assert.equal(store.log.length, 1, "what comes first is read before anything is sent");
  await assembly.whole();
  const expected = parts.map((part) => `read responses/${assembly.table.head.catalog[part].digest}.part`);
  assert.deepEqual(store.log, expected);
}
// Five parts are read ahead at most. The first chunk ends where the second part has no room.
/** @type {import("./registry.js").Packages} */
const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`m${i}`, [{ version: "1.0.0" }]]));
const nine = registry(many, { perPart: 1 });
const slow = new Assembly(nine.site.table, { rows: [0, 1, 2, 3, 4, 5, 6, 7, 8], kept: new Map() }, nine.site.parts);
const iterator = slow.chunks(1);
await iterator.next();
assert.equal(nine.store.log.length, 2 + 5);
assert.equal(slow.reading.size, 5, "what was used is not held");
await iterator.return(undefined);

// A part that is damaged, cut short, longer, or not there fails before it is believed.
assert.equal(PARTS, assemble([0]).assembly.table.head.catalog.length);
for (const change of /** @type {((data: Uint8Array) => Uint8Array | null)[]} */ ([
  (data) => data.subarray(0, -1),
  (data) => bytes(text(data) + "x"),
  () => new Uint8Array(0),
  () => null,
])) {
  for (let part = 0; part < PARTS; part++) {
    const { assembly, objects } = assemble(everyRow);
    const key = `responses/${assembly.table.head.catalog[part].digest}.part`;
    const data = change(/** @type {Uint8Array} */ (objects.get(key)));
    if (data) objects.set(key, data);
    else objects.delete(key);
    await assert.rejects(assembly.whole(), StoreError);
    await assert.rejects(chunksOf(assembly), StoreError);
    if (part === 0) await assert.rejects(assembly.begin(), StoreError);
    else await assembly.begin();
  }
}

// What is kept: the bytes that there is room for, the longest unused goes first.
/** @type {string[]} */
const loads = [];
const kept = new Kept(10, async (name) => {
  loads.push(name);
  return { value: name.toUpperCase(), size: Number(name.slice(1)) };
});
/** @param {string} names to get @param {string} loaded of them */
const gets = async (names, loaded) => {
  loads.length = 0;
  for (const name of names.split(" ")) assert.equal(await kept.get(name), name.toUpperCase());
  assert.equal(loads.join(" "), loaded, names);
};
await gets("a4 b6 a4 b6", "a4 b6");
await gets("c1 b6 c1 a4 c1", "c1 a4"); // a4 went for c1, and b6 for a4
await gets("b6 a4", "b6 a4");
await gets("d10 d10", "d10");
await gets("e11 e11 d10", "e11 e11 d10"); // what has no room is not kept
// Two that wait for the same one count it once.
await Promise.all([kept.get("f5"), kept.get("f5")]);
await gets("g5 f5 g5", "g5");
assert.equal(kept.bytes, 10);
assert.equal(new Parts(new Store(new Map())).most, 16 << 20);
const pages = bytes('{"a":"\xc3\xa4"}');
const listed = new Lists(
  new Store(
    new Map([
      [`responses/${digest(pages)}.page`, pages],
      ["responses/x.page", pages],
    ]),
  ),
  sha256,
);
await assert.rejects(listed.get("x"), new StoreError("responses/x.page: its content is another's"));
assert.equal(listed.most, 4 << 20);
assert.deepEqual(await listed.get(digest(pages)), { a: "\xc3\xa4" });
assert.equal(listed.bytes, 10);
const data = bytes("a part");
const held = new Parts(new Store(new Map([[`responses/${digest(data)}.part`, data]])));
assert.equal(await held.get(digest(data)), data);
assert.equal(held.bytes, data.length);
await assert.rejects(held.get("y"), new StoreError("responses/y.part: is not there"));
