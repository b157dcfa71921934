// Measures the router: node --expose-gc test/bench.js BUCKET ROUTES ASSEMBLED TARGET
//
// In a process that did nothing before it starts as a platform's function does,
// loads the routes and answers a request, then answers it again and again. ASSEMBLED says whether the answer
// has to be put together ("true"), which is done as well, or is there ("false").
// Reading costs nothing here. Prints processor times in milliseconds, and what
// the routes take of memory in bytes, as JSON.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { inflate } from "../platform/inflate.js";
import { handle, Lists, Parts, readAll, Table, warmUp } from "../router.js";

const [, , folder, file, assembled, target] = process.argv;
const bytes = new Uint8Array(readFileSync(file));
const headers = new Headers();
const contents = new TextEncoder().encode('{"format":1,"archive":{"size":1000000,"sha256":"00"},"files":[]}');

/** @type {Map<string, Uint8Array<ArrayBuffer>>} */
const stored = new Map();
for (const name of readdirSync(join(folder, "responses"))) {
  const key = "responses/" + name;
  const content = readFileSync(join(folder, key));
  stored.set(key, new Uint8Array(content));
  if (key.endsWith(".json.gz")) stored.set(key.slice(0, -3), new Uint8Array(gunzipSync(content)));
}

/** @param {string} key */
function there(key) {
  if (!key.startsWith("responses/")) return contents;
  return assembled === "true" && !key.endsWith(".part") ? null : (stored.get(key) ?? null);
}

/** @type {import("../router/body.js").Bucket} */
const bucket = {
  async open(key) {
    const content = there(key);
    return content && { size: content.length, body: new Blob([content]).stream() };
  },
  read: async (key) => there(key),
  stat: async () => null,
};
/** @param {Uint8Array} b */
const sha256 = async (b) => createHash("sha256").update(b).digest();

/** @param {() => unknown} task */
async function cpu(task) {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const parts = new Parts(bucket);
const lists = new Lists(bucket, sha256);
/** @param {Table} table */
const ask = async (table) => {
  const reply = await handle(
    { method: "GET", target, headers },
    { table, modified: "", bucket, parts, lists, inflate, sha256 },
  );
  if (assembled === "true") await readAll(reply.body, bucket);
};

const start = await cpu(warmUp);
// What the platform is slow to do for the first time is not the router's.
await sha256(contents);
await (await bucket.open(""))?.body.cancel();

/** @type {any} */
let table;
const load = await cpu(() => (table = new Table(bytes)));
const first = await cpu(() => ask(table));
let n = 0;
const end = performance.now() + 300;
const all = await cpu(async () => {
  for (; performance.now() < end || n < 3; n++) await ask(table);
});

/** @type {any} */
const gc = globalThis.gc;
gc();
const before = process.memoryUsage().heapUsed;
table = null;
gc();
const memory = before - process.memoryUsage().heapUsed + bytes.length;
console.log(JSON.stringify({ start, load, first, warm: all / n, memory }));
