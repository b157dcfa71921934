// Runs a Worker with its bucket in R2, as Cloudflare's own simulator has it:
// node test/r2.js MODULES WORKER BUCKET
//
// MODULES is the folder with node_modules, BUCKET that of a file:// bucket,
// whose objects are put into R2. Prints the port, and ends with its input.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [, , modules, worker, folder] = process.argv;
const { Miniflare } = createRequire(join(modules, "package.json"))("miniflare");
const simulator = new Miniflare({
  modules: [{ type: "ESModule", path: "worker.js", contents: readFileSync(worker, "utf8") }],
  compatibilityDate: "2026-04-01",
  r2Buckets: ["BUCKET"],
  host: "127.0.0.1",
  port: 0,
});
const bucket = await simulator.getR2Bucket("BUCKET");
for (const name of readdirSync(folder, { recursive: true })) {
  const file = join(folder, String(name));
  if (statSync(file).isFile()) await bucket.put(String(name).replaceAll("\\", "/"), new Uint8Array(readFileSync(file)));
}
const { port } = await simulator.ready;
console.log(port);
process.stdin.resume();
process.stdin.on("end", async () => {
  await simulator.dispose();
  process.exit(0);
});
