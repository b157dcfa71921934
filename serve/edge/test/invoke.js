// Gives events to functions: node test/invoke.js
//
// Each line of standard input is {"module": PATH, "events": […]}. The module is
// loaded afresh for it, and a line is printed: {"results": […]}, what the function
// returned, or {"error": TEXT}.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

let loaded = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { module, events } = JSON.parse(line);
  let said;
  try {
    const { handler } = await import(`${pathToFileURL(module).href}?${++loaded}`);
    const results = [];
    for (const event of events) results.push(await handler(event));
    said = { results };
  } catch (e) {
    said = { error: e instanceof Error ? e.stack : String(e) };
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
// Connections to buckets would keep the process.
process.exit(0);
