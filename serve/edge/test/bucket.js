// A file:// bucket, read from its folder.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";

import { inflate } from "../platform/inflate.js";
import { modifiedOf } from "../platform/snapshot.js";
import { Lists, Parts, pointerKey, routesKey, Table } from "../router.js";

/** @param {NodeJS.ErrnoException} e */
function absent(e) {
  if (e.code !== "ENOENT") throw e;
  return null;
}

/**
 * @param {string} folder
 * @returns {import("../router/body.js").Bucket}
 */
export function folderBucket(folder) {
  /** @param {string} key */
  const find = (key) => stat(join(folder, key)).catch(absent);
  return {
    stat: find,
    read: (key) => readFile(join(folder, key)).catch(absent),
    async open(key, offset, length) {
      if (!(await find(key))) return null;
      if (offset === undefined) {
        const body = await readFile(join(folder, key));
        return { size: body.length, body: new Blob([body]).stream() };
      }
      const part = { start: offset, end: offset + Number(length) - 1 };
      const stream = createReadStream(join(folder, key), part);
      return { size: Number(length), body: /** @type {any} */ (Readable.toWeb(stream)) };
    },
  };
}

/** @param {Uint8Array} bytes */
export async function sha256(bytes) {
  return createHash("sha256").update(bytes).digest();
}

/**
 * What the live snapshot of an environment is answered from.
 * @param {string} folder
 * @param {string} env
 * @returns {Promise<import("../router/handler.js").Site>}
 */
export async function liveSite(folder, env) {
  const { snapshot } = JSON.parse(await readFile(join(folder, pointerKey(env)), "utf8"));
  const table = new Table(await readFile(join(folder, routesKey(env, snapshot))));
  const bucket = folderBucket(folder);
  return {
    table,
    modified: modifiedOf(snapshot),
    bucket,
    parts: new Parts(bucket),
    lists: new Lists(bucket, sha256),
    inflate,
    sha256,
  };
}
