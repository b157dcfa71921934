// From a query to its selection, its name, and its count: the rules of the API,
// "How a search is answered" and "How categories are counted", in small tables.

import assert from "node:assert/strict";

import { count } from "../../router/categories.js";
import { parseQuery } from "../../router/query.js";
import { named, select, showsEvery } from "../../router/select.js";
import { Table } from "../../router/table.js";
import { digest, routes, summaryOf, text } from "./registry.js";

const [EXPERIMENTAL, PRERELEASE, UNSTABLE, SAME] = [1, 4, 8, 16];

const head = {
  categories: [
    { id: "a", title: "A" },
    { id: "b", title: "B", parent: "a" },
    { id: "q", title: 'Q "', parent: "p" },
  ],
  constraints: [{}, { release: [{ from: "8.0.0", to: "9.0.0" }] }, { release: [{ from: "9.0.0" }] }],
  capabilities: [null, ["security"], ["security", "uptime"]],
  types: ["", "integration", "input"],
  specs: [
    { major: 1, minor: 0 },
    { major: 2, minor: 3 },
    { major: 3, minor: 10 },
  ],
  labels: [null, ["a"], ["b"], ["x", "q"]],
  templates: [
    null,
    [{ categories: null }],
    [{ categories: ["a"] }, { categories: ["b"] }, { categories: null }],
    [{ categories: ["b"] }],
    [{ categories: null }, { categories: ["b", "b", "x"] }],
  ],
  discoveries: [{}, { fields: ["f", "g"] }, { datasets: ["d", "e"] }, { fields: [], datasets: [] }],
};
/** @type {import("./registry.js").Packages} */
const packages = {
  a: [
    { version: "0.1.0", flags: UNSTABLE, kibana: 1, type: 1 },
    { version: "1.0.0-a", flags: UNSTABLE | PRERELEASE, kibana: 1, type: 1 },
    { version: "1.0.0", kibana: 1, agent: 1, type: 1, spec: 1, label: 1 },
    { version: "2.0.0", kibana: 2, agent: 2, type: 1, spec: 2, label: 2, capability: 1 },
    { version: "3.0.0-a", flags: UNSTABLE | PRERELEASE, kibana: 2, type: 1, spec: 2, capability: 2 },
  ],
  b: [
    { version: "0.1.0", flags: UNSTABLE, template: 2 },
    { version: "0.2.0-a", flags: UNSTABLE | PRERELEASE, template: 2 },
  ],
  c: [
    { version: "1.0.0+x", discovery: 1, template: 3 },
    { version: "1.0.0+y", flags: SAME, discovery: 2, template: 3 },
    { version: "1.0.0+z", flags: SAME, discovery: 3, template: 3 },
  ],
  d: [
    { version: "1.0.0", type: 2, label: 3, template: 4 },
    { version: "1.1.0", flags: EXPERIMENTAL, type: 2, label: 3, template: 4 },
  ],
  e: [{ version: "1.0.0-a", flags: UNSTABLE | PRERELEASE, label: 1, template: 1 }],
};
const rows = Object.entries(packages).flatMap(([name, list]) => list.map((row) => ({ name, ...row })));

// The same whether columns are of one digit, of two or of three.
for (const width of [1, 2, 3]) {
  const columns = ["flags", "kibana", "agent", "spec", "type", "capability", "discovery"];
  const widths = Object.fromEntries(columns.map((name) => [name, width]));
  const t = new Table(routes(packages, { head, widths }).file);
  for (const [query, want, kept] of /** @type {[string, string, Record<string, number[]>?][]} */ ([
    ["", "a2.0.0 b0.1.0 c1.0.0+x d1.0.0"],
    ["prerelease=true", "a3.0.0-a b0.2.0-a c1.0.0+x d1.1.0 e1.0.0-a"],
    ["all=true", "a0.1.0 a1.0.0 a2.0.0 b0.1.0 c1.0.0+x c1.0.0+y c1.0.0+z d1.0.0"],
    ["all=true&prerelease=true", rows.map((r) => r.name + r.version).join(" ")],
    ["package=a", "a2.0.0"],
    ["package=e", ""],
    ["package=b", "b0.1.0"],
    ["package=d&prerelease=1", "d1.1.0"],
    ["package=aa", ""],
    ["package=f", ""],
    ["type=integration", "a2.0.0"],
    ["type=input&all=true&prerelease=true", "d1.0.0 d1.1.0"],
    ["type=other", ""],
    ["package=a&kibana.version=8.0.0", "a1.0.0"],
    ["package=a&kibana.version=8.0.0&all=true", "a0.1.0 a1.0.0"],
    ["package=a&kibana.version=7.9.9", ""],
    ["package=a&agent.version=8.5.0", "a1.0.0"],
    ["package=a&agent.version=9.0.0&kibana.version=9.0.0", "a2.0.0"],
    ["package=a&spec.min=2.3", "a2.0.0"],
    ["package=a&spec.max=2.3", "a1.0.0"],
    ["package=a&spec.max=2.2", "a0.1.0"],
    ["package=a&spec.min=3.10", "a2.0.0"],
    ["package=a&spec.min=3.11", ""],
    ["package=a&spec.min=2.4&spec.max=3.9", ""],
    ["package=a&capabilities=uptime", "a1.0.0"],
    ["package=a&capabilities=security", "a2.0.0"],
    ["package=a&capabilities=security&prerelease=true", "a2.0.0"],
    ["package=a&capabilities=uptime,security,more&prerelease=true", "a3.0.0-a"],
    ["discovery=fields:f", ""],
    ["discovery=fields:g,f,h", "c1.0.0+x"],
    ["discovery=datasets:e", "c1.0.0+y"],
    ["discovery=datasets:f", ""],
    ["discovery=datasets:d&discovery=fields:f,g", ""],
    // The legacy rules look at fewer filters.
    ["experimental=true", "a2.0.0 b0.1.0 c1.0.0+x d1.1.0 e1.0.0-a"],
    ["experimental=true&all=true", "a1.0.0 a2.0.0 b0.1.0 b0.2.0-a c1.0.0+x c1.0.0+y c1.0.0+z d1.0.0 d1.1.0 e1.0.0-a"],
    ["experimental=true&package=a&kibana.version=8.0.0", "a1.0.0"],
    ["experimental=true&package=a&agent.version=8.0.0&spec.max=1.0&capabilities=x&discovery=fields:f", "a2.0.0"],
    ["experimental=true&type=input", "d1.1.0"],
    // A category of its own, of a sub-category, of a policy template.
    ["category=a&package=a", "a2.0.0"],
    ["category=b&package=a", "a2.0.0"],
    ["category=a&package=a&all=true", "a1.0.0 a2.0.0"],
    ["category=a&package=b", "b0.1.0", { "b0.1.0": [0] }],
    ["category=b&package=b", "b0.1.0", { "b0.1.0": [1] }],
    ["category=b&package=c", "c1.0.0+x"],
    ["category=a&package=c", "c1.0.0+x", { "c1.0.0+x": [] }],
    ["category=a", "a2.0.0 b0.1.0 c1.0.0+x d1.0.0", { "b0.1.0": [0], "c1.0.0+x": [], "d1.0.0": [] }],
    ["category=x", "d1.0.0"],
    ["category=q", "d1.0.0"],
    ["category=y", ""],
  ])) {
    const { rows: got, kept: cut } = select(t, parseQuery(query, false));
    const title = (/** @type {number} */ row) => rows[row].name + rows[row].version;
    assert.equal(got.map(title).join(" "), want, `${query} with ${width} digits`);
    assert.deepEqual(Object.fromEntries([...cut].map(([row, keep]) => [title(row), keep])), kept ?? {}, query);
    // docs/bucket.md, "Names": the line, the digests of the summaries, and what was cut.
    const cuts = got.map((row, i) => {
      const keep = cut.get(row);
      return keep ? `\n${i}${keep.length > 0 ? ":" : ""}${keep.join(",")}` : "";
    });
    const digests = got.map((row) => digest(summaryOf(rows[row].name, rows[row].version)));
    assert.equal(text(named(t, { rows: got, kept: cut })), `search 2\n${digests.join("")}${cuts.join("")}`, query);
  }
}

// The newest of versions that differ in build metadata only is the first that passes.
const same = [
  { version: "1.0.0" },
  { version: "2.0.0+a", type: 2 },
  { version: "2.0.0+b", flags: SAME, type: 1 },
  { version: "2.0.0+c", flags: SAME, type: 2 },
  { version: "2.0.0+d", flags: SAME, type: 1 },
];
const metadata = new Table(routes({ a: same }, { head }).file);
for (const [query, want] of [
  ["", 1],
  ["type=input", 1],
  ["type=integration", 2],
]) {
  assert.deepEqual(select(metadata, parseQuery(String(query), false)).rows, [want], String(query));
}

// Only what shows every version is answered without looking.
const every = "all=true&prerelease=true";
assert.ok(showsEvery(parseQuery(every, false)));
assert.ok(!showsEvery(parseQuery(every, true)));
for (const query of [
  "all=true",
  "prerelease=true",
  ...["experimental=true", "category=a", "package=a", "type=input", "kibana.version=8.0.0", "agent.version=8.0.0"].map(
    (more) => `${every}&${more}`,
  ),
  ...["spec.min=1.0", "spec.max=9.0", "capabilities=a", "discovery=fields:a"].map((more) => `${every}&${more}`),
]) {
  assert.ok(!showsEvery(parseQuery(query, false)), query);
}

// Counts: each category of a package 1; with policy templates the rest.
const t = new Table(routes(packages, { head }).file);
/** @param {string} query */
const counted = (query) => {
  const q = parseQuery(query, true);
  return count(t, select(t, q), q.includePolicyTemplates);
};
/** @param {string} id @param {string} title @param {number} n @param {string} [parent] */
const entry = (id, title, n, parent = "") =>
  `  {\n    "id": "${id}",\n    "title": "${title}",\n    "count": ${n}${parent}\n  }`;
const ofA = ',\n    "parent_id": "a",\n    "parent_title": "A"';
const ofP = ',\n    "parent_id": "p"';
// Of a the label b, of d x and q.
assert.equal(
  counted(""),
  `[\n${[entry("b", "B", 1, ofA), entry("q", 'Q \\"', 1, ofP), entry("x", "x", 1)].join(",\n")}\n]\n`,
);
// b: of a 1; of b's policy template 2; of c's 2; of d's first time 1, and 2 more.
// a: of b's policy template 2. x and q: of d 1, and once for each of two policy
// templates; x once more, and not as new, which d has.
assert.equal(
  counted("include_policy_templates=true"),
  `[\n${[entry("a", "A", 2), entry("b", "B", 8, ofA), entry("q", 'Q \\"', 3, ofP), entry("x", "x", 4)].join(
    ",\n",
  )}\n]\n`,
);
// The one policy template of e has no categories: its package counts once.
assert.match(
  counted("include_policy_templates=true&experimental=true"),
  /"id": "a",\n {4}"title": "A",\n {4}"count": 3\n/,
);
assert.equal(counted("kibana.version=7.0.0&discovery=fields:z"), "[]\n");
