// What an edge says of the pointer: the moves that it remembers, and of the newest
// what the audit log adds, as far as it can be read.

import assert from "node:assert/strict";

import { liveBody, unknownLive } from "../../router/live.js";
import { bytes, Store, text } from "./registry.js";

assert.equal(text(unknownLive("e")), '{"format":1,"environment":"e"}\n');

const at = (/** @type {number} */ n) => `2024-05-06T07:08:${String(n).padStart(2, "0")}Z`;
const moves = Array.from({ length: 21 }, (_, i) => ({
  snapshot: `s${i}`,
  kind: "publish",
  at: at(i),
  by: "b",
  reason: "r",
}));
const key = (/** @type {number} */ generation) => `audit/e/${String(generation).padStart(12, "0")}.json`;
const names = (/** @type {number} */ n, /** @type {string} */ of) =>
  Array.from({ length: n }, (_, i) => `${of}-${i}.0.0`);

/**
 * @param {object} pointer
 * @param {Record<string, any>} [log] by generation
 */
async function said(pointer, log = {}) {
  const entries = Object.entries(log).map(([g, entry]) => {
    const json = typeof entry === "string" ? entry : JSON.stringify(entry);
    return /** @type {[string, Uint8Array]} */ ([key(Number(g)), bytes(json)]);
  });
  const store = new Store(new Map(entries));
  const body = text(await liveBody("e", bytes(JSON.stringify(pointer)), store));
  assert.ok(body.endsWith("}\n"));
  return { ...JSON.parse(body), log: store.log };
}

// Twenty moves at most, and the log of ten generations.
const many = await said({ snapshot: "s0", generation: 30, moves });
assert.deepEqual(many.moves, moves.slice(0, 20));
assert.deepEqual([many.format, many.environment, many.snapshot, many.pinned], [1, "e", "s0", undefined]);
assert.deepEqual(
  many.log,
  Array.from({ length: 10 }, (_, i) => `read ${key(30 - i)}`),
);
assert.deepEqual((await said({ snapshot: "s0", generation: 2 })).log, [`read ${key(2)}`, `read ${key(1)}`]);
assert.equal((await said({ snapshot: "s0", generation: 2 })).moves, undefined);
const pin = { by: "p", reason: "q", at: at(1) };
assert.deepEqual((await said({ snapshot: "s0", generation: 1, pinned: { ...pin, more: 1 } })).pinned, pin);

// An entry is of a move if all that both say is the same.
const [move] = moves;
const added = ["a-1.0.0"];
const entry = { ...move, format: 1, environment: "e", generation: 7, added };
for (const [change, matches] of /** @type {[object, boolean][]} */ ([
  [{}, true],
  [{ kind: "recover" }, true],
  [{ kind: "rollback" }, false],
  [{ snapshot: "x" }, false],
  [{ at: at(9) }, false],
  [{ by: "x" }, false],
  [{ by: undefined }, false],
  [{ reason: "x" }, false],
  [{ reason: undefined }, false],
  [{ format: 2 }, false],
  [{ environment: "f" }, false],
  [{ generation: 8 }, false],
])) {
  const { moves: got } = await said({ snapshot: "s0", generation: 7, moves: [move] }, { 7: { ...entry, ...change } });
  assert.deepEqual(got, [{ ...move, ...(matches ? { added } : {}) }], JSON.stringify(change));
}
const bare = { snapshot: "s0", kind: "publish", at: at(0) };
const nobody = { ...entry, by: undefined, reason: undefined };
assert.deepEqual((await said({ generation: 7, moves: [bare] }, { 7: nobody })).moves, [{ ...bare, added }]);
// One that cannot be read is as if it were not there.
assert.deepEqual((await said({ generation: 7, moves: [move] }, { 7: "no JSON" })).moves, [move]);

// Twenty names of packages in all, ten branches, and how many more there are.
const branches = Array.from({ length: 11 }, (_, i) => ({ name: `n${i}`, commit: `c${i}`, tree: "t" }));
const large = {
  ...entry,
  before: "s1",
  branches,
  added: names(12, "a"),
  removed: names(7, "r"),
  changed: names(4, "c"),
};
const [shown] = (await said({ generation: 7, moves: [{ ...move, pin: true }] }, { 7: { ...large, more: 5 } })).moves;
assert.deepEqual(shown, {
  ...move,
  pin: true,
  before: "s1",
  branches: branches.slice(0, 10).map(({ name, commit }) => ({ name, commit })),
  added: names(12, "a"),
  removed: names(7, "r"),
  changed: ["c-0.0.0"],
  more: 8,
});
const full = { ...entry, added: names(20, "a"), removed: names(1, "r") };
const [none] = (await said({ generation: 7, moves: [move] }, { 7: full })).moves;
assert.deepEqual([none.added.length, none.removed, none.more], [20, undefined, 1]);
