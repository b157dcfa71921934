// routes.json: what is found in it, and what is refused.

import assert from "node:assert/strict";

import { Numbers, RoutesError, Table } from "../../router/table.js";
import { bytes, digest, documentOf, packed, revisionOf, routes, summaryOf, text } from "./registry.js";

const packages = {
  alpha: [{ version: "1.0.0" }],
  beta: [{ version: "0.1.0" }, { version: "1.0.0-rc.1" }, { version: "1.0.0" }],
  gamma_2: [{ version: "10.20.30" }, { version: "11.0.0" }],
};
const { file, columns } = routes(packages, {
  perPart: 2,
  head: {
    categories: [
      { id: "a", title: "A" },
      { id: "b", title: "B", parent: "a" },
      { id: "c", title: "C", parent: "a" },
      { id: "d", title: "D" },
    ],
    constraints: [{}, { release: [{ from: "8.0.0" }] }],
  },
});
const t = new Table(file);
assert.equal(t.rows, 6);
assert.equal(t.packages, 3);
assert.deepEqual(t.names(), Object.keys(packages));
assert.deepEqual([...t.firstRows()], [0, 1, 4, 6]);
assert.equal(t.firstRows(), t.firstRows());
assert.equal(t.test(1), t.test(1), "it is looked up once");
let row = 0;
Object.entries(packages).forEach(([name, versions], i) => {
  assert.equal(t.nameIndex(name), i);
  assert.deepEqual(
    t.versionsOf(i),
    versions.map((v) => v.version),
  );
  for (const { version } of versions) {
    assert.equal(t.nameOf(row), i);
    assert.equal(t.find(name, version), row);
    assert.equal(t.revision(row), revisionOf(name, version));
    assert.equal(t.document(row), digest(documentOf(name, version)));
    assert.equal(t.sizes.at(row), summaryOf(name, version).length);
    row++;
  }
});
for (const name of ["", "a", "alphb", "az", "beta ", "bet", "gamma_", "gamma_3", "zeta"]) {
  assert.equal(t.nameIndex(name), -1, name);
  assert.equal(t.find(name, "1.0.0"), -1, name);
}
assert.equal(t.find("alpha", "1.0.1"), -1);
assert.equal(t.find("alpha", "0.1.0"), -1, "that of the name after it");

const { part, offset, sizes } = t.catalog();
const lengths = [0, 1, 2].map((i) => t.blocks.at(i));
assert.deepEqual([...part], [0, 0, 1]);
assert.deepEqual([...offset], [0, lengths[0], 0]);
assert.deepEqual(sizes, [lengths[0] + lengths[1], lengths[2]]);
assert.equal(t.catalog(), t.catalog());

for (const [set, category, want] of /** @type {[string[] | null, string, boolean][]} */ ([
  [null, "a", false],
  [[], "a", false],
  [["a"], "a", true],
  [["b"], "a", true],
  [["c"], "a", true],
  [["d"], "a", false],
  [["a"], "b", false],
  [["x"], "x", true],
  [["x"], "", false],
])) {
  assert.equal(t.hasCategory(set, category), want, JSON.stringify([set, category]));
}

// Without rows nothing is found.
const none = new Table(routes({}).file);
assert.equal(none.rows, 0);
assert.equal(none.find("alpha", "1.0.0"), -1);
assert.deepEqual([...none.firstRows()], [0]);

// Numbers of each width, among other bytes.
for (const values of [
  [0, 63, 1],
  [64, 4095, 0],
  [4096, 262143, 63],
  [16777216 - 1, 0, 1],
]) {
  const column = packed(values);
  const n = new Numbers(bytes("xx" + column + "yy"), { from: 2, to: 2 + column.length }, 3);
  assert.deepEqual(
    [0, 1, 2].map((i) => n.at(i)),
    values,
  );
}
assert.equal(new Numbers(bytes(""), { from: 0, to: 0 }, 0).width, 0);
assert.throws(() => new Numbers(bytes("AAAA"), { from: 0, to: 4 }, 3), RoutesError);

// Formats: those before the oldest and after the newest, and what has none.
/** @param {string} from @param {string} to */
const changed = (from, to) => {
  assert.ok(text(file).includes(from), from);
  return bytes(text(file).replace(from, to));
};
for (const format of [3, 4, 5]) assert.equal(new Table(changed('"format":5', `"format":${format}`)).rows, 6);
for (const format of ["0", "2", "6", "55", '"5"', "-5"]) {
  assert.throws(() => new Table(changed('"format":5', `"format":${format}`)), RoutesError, format);
}
assert.throws(() => new Table(changed('"format":5', '"format":6')), {
  message: "routes: format 6 is not known to this edge (want 5): make its bundle anew",
});
for (const damaged of ["", "{", "{}", "\n", '{"format":5', '{"format":5}\n', "<html>\n</html>"]) {
  assert.throws(() => new Table(bytes(damaged)), Error, damaged);
}
// One byte more or less, of the file and of each column.
for (const damaged of [file.subarray(0, -1), file.subarray(0, -3), bytes(text(file) + "\n")]) {
  assert.throws(() => new Table(damaged), RoutesError);
}
for (const [name, column] of Object.entries(columns)) {
  for (const to of [column.slice(1), column + "A"]) {
    assert.throws(() => new Table(changed(`"${name}":"${column}"`, `"${name}":"${to}"`)), RoutesError, name);
  }
}
// Lengths that add up, but of which one is no multiple of the rows.
const all = JSON.stringify(Object.values(columns).map((c) => c.length));
const moved = JSON.stringify(Object.values(columns).map((c, i) => c.length + (i === 5 ? 1 : i === 6 ? -1 : 0)));
assert.throws(() => new Table(changed(all, moved)), { message: "routes: a column is not as long as the others" });
