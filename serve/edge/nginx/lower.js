// @ts-nocheck: typescript is not where types are looked for.
// Lowers a bundle to the language that njs 0.7 knows, which is little more than
// ECMAScript 5: node nginx/lower.js NODE_MODULES < bundle > script

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const ts = require("typescript");

// njs has regular expressions of PCRE: it matches strings by characters, as the
// flag u says, but does not know the flag; and "$" is also before a line break
// at the end.
const portable = (text) =>
  text
    .replace(/u(?=[a-z]*$)/, "")
    .replace(/\\.|\[(?:\\.|[^\]\\])*\]|\$/g, (part) => (part === "$" ? "(?![\\s\\S])" : part));

const withPortableRegExps = (context) => {
  const visit = (node) =>
    ts.isRegularExpressionLiteral(node)
      ? ts.factory.createRegularExpressionLiteral(portable(node.text))
      : ts.visitEachChild(node, visit, context);
  return (file) => ts.visitNode(file, visit);
};

const { outputText } = ts.transpileModule(readFileSync(0, "utf8"), {
  compilerOptions: { target: ts.ScriptTarget.ES5, module: ts.ModuleKind.ES2015, downlevelIteration: true },
  transformers: { before: [withPortableRegExps] },
});
// njs knows no other way to export.
const script = outputText.replace(/export \{\s*(\w+) as default,?\s*\};/, "export default $1;");
process.stdout.write(script);
