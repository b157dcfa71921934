// Makes small faults in the router, one at a time, and lists those that neither
// units nor vectors notice: node test/mutants.js MODULES VECTORS BUCKET ENV SAMPLE
//
// Each mutant is written into a copy of the sources, and test/units.js and test/vectors.js run there.
// testdata/mutants.txt lists those that change nothing that can be observed: a line
// each, the mutant's name, two spaces, "#", and the reason.

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [, , modules, vectors, bucket, env, sample] = process.argv;
// Its types are not where tsc looks for them.
const ts = /** @type {any} */ (createRequire(join(modules, "x.js"))("typescript"));
const { SyntaxKind } = ts;

/** @typedef {any} Node a node of the syntax tree */
/** @typedef {{file: string, line: number, name: string, from: number, to: number, text: string}} Mutant */

/** What an operator becomes. A comparison takes one value more or less, or turns round. */
const operators = new Map([
  [SyntaxKind.LessThanToken, "<="],
  [SyntaxKind.LessThanEqualsToken, "<"],
  [SyntaxKind.GreaterThanToken, ">="],
  [SyntaxKind.GreaterThanEqualsToken, ">"],
  [SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [SyntaxKind.ExclamationEqualsEqualsToken, "==="],
]);

/** Operators of which one operand is dropped. */
const dropped = new Set([SyntaxKind.AmpersandAmpersandToken, SyntaxKind.BarBarToken, SyntaxKind.QuestionQuestionToken]);

/**
 * The mutants of a file.
 * @param {string} file
 * @returns {Mutant[]}
 */
function mutantsOf(file) {
  const text = readFileSync(file, "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  /** @type {Mutant[]} */
  const out = [];
  /**
   * @param {Node} node
   * @param {string} what
   * @param {string} replacement
   * @param {Node} [named] what the mutant is named by
   */
  const add = (node, what, replacement, named = node) => {
    const from = node.getStart();
    const line = source.getLineAndCharacterOfPosition(from).line + 1;
    const short = named.getText().replace(/\s+/g, " ").slice(0, 100);
    out.push({ file, line, name: `${file}: ${what}: ${short}`, from, to: node.getEnd(), text: replacement });
  };
  /** @param {Node} node */
  const visit = (node) => {
    if (ts.isBinaryExpression(node)) {
      const { left, right, operatorToken } = node;
      const other = operators.get(operatorToken.kind);
      if (other) add(node, "one more or less, or turned round", `${left.getText()} ${other} ${right.getText()}`);
      if (dropped.has(operatorToken.kind)) {
        add(node, "left operand only", `(${left.getText()})`);
        add(node, "right operand only", `(${right.getText()})`);
      }
    }
    if (ts.isIfStatement(node)) {
      add(node.expression, "always true", "true");
      add(node.expression, "never true", "false");
    }
    if (ts.isConditionalExpression(node)) {
      add(node, "always the first", `(${node.whenTrue.getText()})`);
      add(node, "always the second", `(${node.whenFalse.getText()})`);
    }
    if (ts.isReturnStatement(node) && node.expression) add(node, "returns nothing", "return undefined;");
    if (ts.isExpressionStatement(node)) add(node, "left out", ";");
    if (ts.isNumericLiteral(node)) add(node, "one larger", String(Number(node.text) + 1), node.parent);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return out;
}

/**
 * Runs a script of a copy of the sources, and reports whether it fails.
 * @param {string} copy
 * @param {...string} args
 */
async function fails(copy, ...args) {
  const [script, ...more] = args;
  const child = spawn(process.execPath, [join(copy, script), ...more], {
    stdio: "ignore",
    timeout: 60_000, // a mutant may never end
  });
  return (await new Promise((done) => child.on("close", done))) !== 0;
}

/**
 * Reports whether the tests of the router fail.
 * @param {string} copy
 */
async function testsFail(copy) {
  return (
    (await fails(copy, "test/units.js")) || fails(copy, "test/vectors.js", resolve(vectors), resolve(bucket), env, "1")
  );
}

/**
 * Reports whether the tests notice a mutant.
 * @param {string} copy
 * @param {Mutant} m
 */
async function noticed(copy, m) {
  const text = readFileSync(m.file, "utf8");
  writeFileSync(join(copy, m.file), text.slice(0, m.from) + m.text + text.slice(m.to));
  const out = await testsFail(copy);
  writeFileSync(join(copy, m.file), text);
  return out;
}

const marks = new Map(
  readFileSync("testdata/mutants.txt", "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => /** @type {[string, string]} */ (line.split(/ {2}# (?!.* {2}# )/))),
);
const all = readdirSync("router").flatMap((name) => mutantsOf(`router/${name}`));
const count = Math.min(Number(sample) || all.length, all.length);
const chosen = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]);

const root = mkdtempSync(join(tmpdir(), "regsnap-mutants-"));
let survivors = 0;
let equivalent = 0;
try {
  let next = 0;
  const worker = async (/** @type {number} */ number) => {
    const copy = join(root, String(number));
    for (const part of ["platform", "router", "router.js", "test", "package.json"])
      cpSync(part, join(copy, part), { recursive: true });
    if (await testsFail(copy)) throw new Error("the tests fail without a mutant");
    while (next < chosen.length) {
      const m = chosen[next++];
      if (await noticed(copy, m)) continue;
      if (marks.get(m.name)) {
        equivalent++;
        continue;
      }
      survivors++;
      console.log(`survives: ${m.line}: ${m.name}`);
    }
  };
  const workers = Math.max(1, availableParallelism() >> 1);
  await Promise.all(Array.from({ length: workers }, (_, i) => worker(i)));
} finally {
  rmSync(root, { recursive: true });
}
const killed = chosen.length - survivors - equivalent;
console.log(
  `router: ${chosen.length} of ${all.length} mutants, ${killed} noticed, ${equivalent} equivalent, ${survivors} survive`,
);
process.exitCode = survivors > 0 ? 1 : 0;
