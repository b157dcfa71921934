// Validates pages: node validate.cjs FOLDER PART OF takes every OF-th file, from the
// PART-th on. It prints what is wrong, a line each. MODULES is node_modules with
// html-validate.

const { readFileSync, readdirSync } = require("node:fs");
const { HtmlValidate } = require(`${process.env.MODULES}/html-validate`);
const validator = new HtmlValidate(require("./html-validate.json"));

const [folder, part, of] = process.argv.slice(2);
(async () => {
  for (const [i, name] of readdirSync(folder).sort().entries()) {
    if (i % Number(of) !== Number(part)) continue;
    const { path, text } = JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
    const report = await validator.validateString(text);
    for (const m of report.results.flatMap((r) => r.messages)) console.log(`${path}: html-validate: ${m.ruleId} in line ${m.line}: ${m.message}`);
  }
})();
