// Targets, queries and versions: what net/url, strconv and Masterminds/semver make of
// them, and the messages of the reference registry.

import assert from "node:assert/strict";

import { jsonString, parseJSON } from "../../router/json.js";
import { parseQuery } from "../../router/query.js";
import { quote } from "../../router/quote.js";
import { RangeTest } from "../../router/ranges.js";
import { compare, isStrict, parseStrict, parseVersion } from "../../router/semver.js";
import { cleanPath, location, parseQuery as parseValues, parseTarget } from "../../router/url.js";
import { bytes } from "./registry.js";

for (const [target, path, query, force] of /** @type {[string, string | null, string?, boolean?][]} */ ([
  ["*", "*", ""],
  ["/", "/", ""],
  ["/?", "/", "", true],
  ["/a?b", "/a", "b"],
  ["/a?b?", "/a", "b?"],
  ["/a?b?c", "/a", "b?c"],
  ["/%41%2f%ff", "/A/\xff", ""],
  ["/%4", null],
  ["/%", null],
  ["/%4g", null],
  ["/%g4", null],
  ["/%%41", null],
  ["/a?%", "/a", "%"],
  ["a", null],
  ["", null],
  ["*a", null],
  ["/ ", null],
  ["/\x1f", null],
  ["/\x7f", null],
  ["/\0", null],
  ["/!~", "/!~", ""],
  ["/\xc3\xa4", "/\xc3\xa4", ""],
  ["/\xff%e4?\xe4", "/\xff\xe4", "\xe4"],
])) {
  const want = path === null ? null : { path, query, forceQuery: force === true };
  assert.deepEqual(parseTarget(target), want, target);
}

for (const [query, want] of /** @type {[string, [string, string[]][]][]} */ ([
  ["", []],
  ["a", [["a", [""]]]],
  ["=", [["", [""]]]],
  ["=b", [["", ["b"]]]],
  ["a=b=c", [["a", ["b=c"]]]],
  [
    "a=1&a=2&&b=3",
    [
      ["a", ["1", "2"]],
      ["b", ["3"]],
    ],
  ],
  ["a=1;b=2&c=3", [["c", ["3"]]]],
  ["a+b=c+d", [["a b", ["c d"]]]],
  ["a=%2B%41", [["a", ["+A"]]]],
  ["a=%&b=1", [["b", ["1"]]]],
  ["%=a&b=1", [["b", ["1"]]]],
])) {
  assert.deepEqual([...parseValues(query)], want, query);
}

const plain = "ABYZabyz0189-_.~$&+,/:;=@";
for (let c = 0; c < 256; c++) {
  const character = String.fromCharCode(c);
  const kept = plain.includes(character) || /[A-Za-z0-9]/.test(character);
  const want = kept ? character : "%" + c.toString(16).toUpperCase().padStart(2, "0");
  assert.equal(location({ path: "", query: "", forceQuery: false }, character), want);
}
assert.equal(location({ path: "", query: "a=b", forceQuery: false }, "/x"), "/x?a=b");
assert.equal(location({ path: "", query: "", forceQuery: true }, "/x"), "/x?");

for (const [path, want] of [
  ["/", "/"],
  ["//", "/"],
  ["/a", "/a"],
  ["/a/", "/a/"],
  ["/a//b", "/a/b"],
  ["/a/./b/", "/a/b/"],
  ["/a/../b", "/b"],
  ["/../a", "/a"],
  ["/..", "/"],
  ["/a/..", "/"],
  ["/a/../", "/"],
  ["/a/.", "/a"],
  ["/a/b/..", "/a"],
  ["/...", "/..."],
  ["*", "/*"],
]) {
  assert.equal(cleanPath(path), want, path);
}

// Versions that are read leniently, and whether they are strict ones.
const LARGEST = "18446744073709551615";
const range = (/** @type {string} */ n) =>
  `error parsing version segment: strconv.ParseUint: parsing "${n}": value out of range`;
const TOO_LONG = "version string is too long (max 256 bytes)";
for (const [version, want, strictly] of /** @type {[string, string, boolean?][]} */ ([
  ["1.2.3", "1 2 3", true],
  ["0.0.0", "0 0 0", true],
  ["10.20.30", "10 20 30", true],
  ["1.2.3-a.1", "1 2 3 a 1", true],
  ["1.2.3-0", "1 2 3 0", true],
  ["1.2.3-0a.-", "1 2 3 0a -", true],
  ["1.2.3-a+b.01", "1 2 3 a", true],
  ["1.2.3+01", "1 2 3", true],
  ["8", "8 0 0"],
  ["8.5", "8 5 0"],
  ["8-a", "8 0 0 a"],
  ["v1.2.3", "1 2 3"],
  ["08.01.00", "8 1 0"],
  ["00", "0 0 0"],
  [`${LARGEST}.0.1`, `${LARGEST} 0 1`, true],
  [`1.${LARGEST}.1`, `1 ${LARGEST} 1`, true],
  [`1.0.0${LARGEST}`, `1 0 ${LARGEST}`],
  ["18446744073709551616.0.0", range("18446744073709551616")],
  ["0.18446744073709551616.0", range("18446744073709551616")],
  ["0.0.18446744073709551616", range("18446744073709551616")],
  ["0.0.99999999999999999999", range("99999999999999999999")],
  ["0.0.100000000000000000000", range("100000000000000000000")],
  ["1.2.3-01", "version segment starts with 0"],
  ["1.2.3-a.00", "version segment starts with 0"],
  ["1.2.3-", "invalid semantic version"],
  ["1.2.3+", "invalid semantic version"],
  ["1.2.3-a..b", "invalid semantic version"],
  ["1.2.3-a+b+c", "invalid semantic version"],
  ["1.2.3.4", "invalid semantic version"],
  ["V1", "invalid semantic version"],
  ["", "invalid semantic version"],
  ["1.2.x", "invalid semantic version"],
  [" 1.2.3", "invalid semantic version"],
  ["1.2.3-ä", "invalid semantic version"],
  ["1.2.3-" + "a".repeat(250), "1 2 3 " + "a".repeat(250), true],
  ["1.2.3-" + "a".repeat(251), TOO_LONG],
  ["1".repeat(257), TOO_LONG],
])) {
  let got;
  try {
    const { major, minor, patch, pre } = parseVersion(version);
    got = [major, minor, patch, ...pre].join(" ");
  } catch (e) {
    got = /** @type {Error} */ (e).message;
  }
  assert.equal(got, want, version);
  assert.equal(isStrict(version), strictly === true, version);
  if (strictly) assert.deepEqual(parseStrict(version), parseVersion(version));
  else assert.throws(() => parseStrict(version), { message: `${version} is not a semantic version` });
}

// semver.org, item 11, and numbers of any length. Each is below all that follow.
const ascending = [
  "0.0.0-0",
  "0.0.0",
  "0.0.9",
  "0.0.10",
  "0.9.0",
  "0.10.0",
  "1.0.0-0",
  "1.0.0-9",
  "1.0.0-10",
  "1.0.0-10.0",
  `1.0.0-${LARGEST}`,
  "1.0.0--",
  "1.0.0-0a",
  "1.0.0-18446744073709551616", // no number that the library reads: a text
  "1.0.0-9a",
  "1.0.0-A",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.1.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-rc.1",
  "1.0.0",
  "2.0.0-a",
  "2.0.0",
  "9.0.0",
  "10.0.0",
  `${LARGEST}.0.0`,
].map(parseStrict);
ascending.forEach((a, i) => {
  ascending.forEach((b, k) => assert.equal(Math.sign(compare(a, b)), Math.sign(i - k), JSON.stringify([a, b])));
});

// Intervals hold where they begin and not where they end; pre-releases have their own.
const test = new RangeTest({
  release: [{ from: "1.0.0", to: "2.0.0" }, { from: "3.0.0" }],
  pre: [{ from: "4.0.0-b", to: "4.0.0-d" }],
});
for (const [version, want] of /** @type {[string, boolean][]} */ ([
  ["0.9.9", false],
  ["1.0.0", true],
  ["1.9.9", true],
  ["2.0.0", false],
  ["2.9.9", false],
  ["3.0.0", true],
  ["99.0.0", true],
  ["1.0.0-a", false],
  ["3.5.0-a", false],
  ["4.0.0-a", false],
  ["4.0.0-b", true],
  ["4.0.0-c", true],
  ["4.0.0-d", false],
])) {
  assert.equal(test.accepts(parseVersion(version)), want, version);
}
for (const version of ["1.0.0", "1.0.0-a"]) assert.ok(!new RangeTest({}).accepts(parseVersion(version)));

// What /search and /categories understand.
const nothing = {
  counting: false,
  kibana: null,
  agent: null,
  specMin: null,
  specMax: null,
  capabilities: null,
  discovery: [],
  prerelease: false,
  experimental: false,
  includePolicyTemplates: false,
  all: false,
  category: "",
  package: "",
  type: "",
};
const [one, two] = ["1.0.0", "2.0.0"].map(parseVersion);
for (const [query, search, categories] of /** @type {[string, object, object?][]} */ ([
  ["", {}],
  ["kibana.version=&agent.version=&spec.min=&spec.max=&capabilities=&type=&package=&category=&all=", {}],
  ["kibana.version=1&agent.version=2.0", { kibana: one, agent: two }],
  ["spec.min=1.0&spec.max=2.0", { specMin: one, specMax: two }],
  ["kibana.version=1&kibana.version=x", { kibana: one }],
  ["capabilities=a,b", { capabilities: ["a", "b"] }],
  ["capabilities=,", { capabilities: ["", ""] }],
  ["prerelease=true&experimental=1", { prerelease: true, experimental: true }],
  ["all=t&type=a&package=b&category=c", { all: true, type: "a", package: "b", category: "c" }, {}],
  ["include_policy_templates=True", {}, { includePolicyTemplates: true }],
  ["include_policy_templates=x", {}],
  ["internal=x&unknown=x", {}],
  ["discovery=fields:a,b", { discovery: [{ kind: "fields", list: ["a", "b"] }] }],
  [
    "discovery=datasets:&discovery=fields:a:b",
    {
      discovery: [
        { kind: "datasets", list: [""] },
        { kind: "fields", list: ["a:b"] },
      ],
    },
  ],
])) {
  assert.deepEqual(parseQuery(query, false), { ...nothing, ...search }, query);
  if (query !== "include_policy_templates=x")
    assert.deepEqual(parseQuery(query, true), { ...nothing, counting: true, ...(categories ?? search) }, query);
}
for (const value of ["1", "t", "T", "TRUE", "true", "True"]) assert.ok(parseQuery(`all=${value}`, false).all, value);
for (const value of ["0", "f", "F", "FALSE", "false", "False"])
  assert.ok(!parseQuery(`all=${value}`, false).all, value);
const invalid = "invalid semantic version";
for (const [query, message] of [
  ["kibana.version=x", `invalid Kibana version 'x': ${invalid}`],
  ["agent.version=x", `invalid agent version 'x': ${invalid}`],
  ["spec.min=1", "invalid 'spec.min' version: invalid version '1': it should be <major.version>"],
  ["spec.max=1.2.3", "invalid 'spec.max' version: invalid version '1.2.3': it should be <major.version>"],
  ["spec.max=1.x", `invalid 'spec.max' version: invalid spec version '1.x': ${invalid}`],
  ["prerelease=yes", "invalid 'prerelease' query param: 'yes'"],
  ["experimental=tRUE", "invalid 'experimental' query param: 'tRUE'"],
  ["all=2", "invalid 'all' query param: '2'"],
  ["discovery=a", `invalid 'discovery' query param: 'a': could not parse filter "a"`],
  ["discovery=", `invalid 'discovery' query param: '': could not parse filter ""`],
  ["discovery=:a", `invalid 'discovery' query param: ':a': unknown discovery filter ""`],
  ["discovery=a:b:c", `invalid 'discovery' query param: 'a:b:c': unknown discovery filter "a"`],
]) {
  assert.throws(() => parseQuery(query, false), { message }, query);
}
assert.throws(() => parseQuery("include_policy_templates=x", true), {
  message: "invalid 'include_policy_templates' query param: 'x'",
});

// strconv.Quote, and JSON as encoding/json writes it without escaping for HTML.
for (const [value, quoted, json] of [
  ["a b~", '"a b~"', '"a b~"'],
  ['"\\', '"\\"\\\\"', '"\\"\\\\"'],
  ["\x07\b\t\n\v\f\r", '"\\a\\b\\t\\n\\v\\f\\r"', '"\\u0007\\b\\t\\n\\u000b\\f\\r"'],
  ["\0\x1f\x7f", '"\\x00\\x1f\\x7f"', '"\\u0000\\u001f\x7f"'],
  ["\xff\xc3", '"\\xff\\xc3"', '"\\ufffd\\ufffd"'],
  ["\xc3\xa4", '"\xc3\xa4"', '"\xc3\xa4"'],
  ["\xc2\x80", '"\\u0080"', '"\xc2\x80"'],
  ["\xc2\xa0", '"\\u00a0"', '"\xc2\xa0"'],
  ["\xe2\x80\xa8\xe2\x80\xa9", '"\\u2028\\u2029"', '"\\u2028\\u2029"'],
  ["\xe2\x80\xa7", '"\xe2\x80\xa7"', '"\xe2\x80\xa7"'],
  ["\xef\xbf\xbf", '"\\uffff"', '"\xef\xbf\xbf"'],
  ["\xf0\x90\x80\x80", '"\xf0\x90\x80\x80"', '"\xf0\x90\x80\x80"'],
  ["\xf3\xb0\x80\x80", '"\\U000f0000"', '"\xf3\xb0\x80\x80"'],
  ["<&>", '"<&>"', '"<&>"'],
]) {
  assert.equal(quote(value), quoted);
  assert.equal(jsonString(value), json);
}
assert.deepEqual(parseJSON(bytes('{"a":["b",1,null]}')), { a: ["b", 1, null] });
assert.deepEqual(parseJSON(bytes('{"a":"\xc3\xa4\\u00e4\\ud83d"'), "}"), { a: "\xc3\xa4\xc3\xa4\xef\xbf\xbd" });
assert.deepEqual(parseJSON(bytes('{"a":"\\u00e4"}')), { a: "\xc3\xa4" });
assert.throws(() => parseJSON(bytes('{"a":1')), SyntaxError);
