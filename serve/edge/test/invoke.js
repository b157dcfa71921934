// Gives events to a function: node test/invoke.js MODULE < EVENTS
//
// EVENTS is a JSON array; what the function returns is printed as another.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { handler } = await import(pathToFileURL(process.argv[2]).href);
const results = [];
for (const event of JSON.parse(readFileSync(0, "utf8"))) results.push(await handler(event));
// Connections to the bucket would keep the process, and what is printed is long.
process.stdout.write(JSON.stringify(results), () => process.exit(0));
