// What is done when a platform starts the program, before there is a request:
// platforms count that time apart, and allow more of it. Code that ran before is
// compiled, so that a first request takes hardly longer than the later ones.

import { readAll } from "./body.js";
import { handle } from "./handler.js";
import { Lists } from "./page.js";
import { Parts } from "./parts.js";
import { sample } from "./sample.js";
import { Table } from "./table.js";

/** @typedef {import("./body.js").Bucket} Bucket */

/** How often each request is answered. All of it takes about a tenth of a second. */
const ROUNDS = 40;

const REQUESTS = [
  "/search?kibana.version=8.5.0&prerelease=true",
  "/search?kibana.version=8.6.0-SNAPSHOT&spec.min=1.0&spec.max=3.0&capabilities=c,d&type=input",
  "/search?agent.version=8.5.0&category=b",
  "/search?category=a&prerelease=true",
  "/search?experimental=true&package=package_123",
  "/search?all=true",
  "/categories?kibana.version=8.5.0&include_policy_templates=true",
  "/package/package_123/1.15.0/",
  "/epr/package_123/package_123-1.15.0.zip",
];

/** Answers requests over routes that are made up. Nothing is read from outside. */
export async function warmUp() {
  const { routes, part, contents, document } = sample();
  /** @type {Bucket} */
  const bucket = {
    open: async (key) => (key === document ? { size: null, body: new ReadableStream() } : null),
    read: async (key) => (key.endsWith(".part") ? part : key.endsWith("contents.json") ? contents : null),
    stat: async () => null,
  };
  const headers = { get: (/** @type {string} */ name) => (name === "accept-encoding" ? "gzip" : null) };
  const hash = new Uint8Array(32);
  const sha256 = async () => hash;
  for (let i = 0; i < ROUNDS; i++) {
    const site = {
      table: new Table(routes),
      modified: "",
      bucket,
      parts: new Parts(bucket),
      lists: new Lists(bucket, sha256),
      inflate: () => new ReadableStream(),
      sha256,
    };
    for (const target of REQUESTS) {
      const { body } = await handle({ method: "GET", target, headers }, site);
      if (target.startsWith("/search")) await readAll(body, bucket);
    }
  }
}
