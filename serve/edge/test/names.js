// Where an export has its objects: node test/names.js NAMES
//
// NAMES is the object of keys and files that package export is held to as well.

import { readFileSync } from "node:fs";

import { fileOf } from "../nginx/tree.js";

const names = Object.entries(JSON.parse(readFileSync(process.argv[2], "utf8")));
const wrong = names.filter(([key, file]) => fileOf(key) !== file);
for (const [key, file] of wrong) console.error(`${key}: ${fileOf(key)}, want ${file}`);
console.log(`${names.length} names, ${wrong.length} differences`);
process.exitCode = wrong.length > 0 || names.length === 0 ? 1 : 0;
