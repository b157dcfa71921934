// Runs vectors through the router: node test/vectors.js VECTORS BUCKET ENV [MOST]
//
// After MOST differences it ends. A vector is a request and what the Go edge answered; see edgetest/case.go.

import { readFileSync } from "node:fs";

import { answer, handle, parseTarget, readAll } from "../router.js";
import { utf8 } from "../router/bytes.js";
import { archiveKey, digestOf, fileKey, responseKey, signatureKey } from "../router/keys.js";
import { liveSite } from "./bucket.js";
import { differences } from "./compare.js";

const [, , file, folder, env, most = "Infinity"] = process.argv;
const site = await liveSite(folder, env);

/**
 * The object that the router names for a request, if any.
 * @param {{method: string, target: string}} request
 */
async function keyOf({ method, target }) {
  const parsed = parseTarget(utf8(target));
  if (!parsed) return "";
  const a = /** @type {Required<import("../router/answer.js").Answer>} */ (answer(site.table, method, parsed));
  switch (a.kind) {
    case "direct":
    case "live":
    case "page": // which one is in the list of them
      return "";
    case "archive":
      return archiveKey(a.revision, sha256);
    case "signature":
      return signatureKey(a.revision, sha256);
    case "file":
      return fileKey(a.revision, a.path, sha256);
  }
  return responseKey(a.digest ?? (await digestOf(a.named ?? a.body, sha256)));
}

const { sha256 } = site;
const vectors = readFileSync(file, "utf8").trimEnd().split("\n");
let wrong = 0;
for (const line of vectors) {
  const vector = JSON.parse(line);
  const headers = new Headers(vector.headers);
  const reply = await handle({ method: vector.method, target: utf8(vector.target), headers }, site);
  const body = await readAll(reply.body, site.bucket);
  const out = differences(vector, {
    status: reply.status,
    header: (name) => reply.headers.get(name)?.join(", ") ?? "",
    length: vector.method === "HEAD" ? Number(reply.headers.get("content-length") ?? 0) : body.length,
    body,
  });
  const key = await keyOf(vector);
  if (key !== (vector.want.key ?? "")) out.push(`key ${key}, want ${vector.want.key}`);
  if (out.length > 0 && ++wrong <= 20)
    console.error(`${vector.method} ${vector.target} ${JSON.stringify(vector.headers ?? {})}\n  ${out.join("\n  ")}`);
  if (wrong >= Number(most)) break;
}
console.log(`${vectors.length} vectors, ${wrong} differences`);
process.exitCode = wrong > 0 || vectors.length === 0 ? 1 : 0;
