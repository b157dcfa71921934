// The first and later requests to an origin-request function in a process of
// its own: node test/function.js MODULE TARGET [ENCODING]
//
// Prints processor times in milliseconds and the most memory that the process
// had, in bytes, as JSON.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , module, target, encoding = "gzip"] = process.argv;
const [uri, querystring = ""] = target.split("?");

/** @param {() => unknown} task */
async function cpu(task) {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** @type {any} */
let handler;
const load = await cpu(async () => ({ handler } = await import(pathToFileURL(module).href)));
const ask = async () => {
  const request = { method: "GET", uri, querystring, headers: { "accept-encoding": [{ value: encoding }] } };
  const out = await handler({ Records: [{ cf: { request } }] });
  if (out.status && out.status !== "200") throw new Error(`${target}: ${out.status} ${atob(out.body)}`);
};
const first = await cpu(ask);
const N = 20;
const all = await cpu(async () => {
  for (let i = 0; i < N; i++) await ask();
});
// What getrusage says has the memory of whoever started the process in it.
const memory = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
console.log(JSON.stringify({ load, first, warm: all / N, memory }));
process.exit(0);
