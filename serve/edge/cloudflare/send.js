// A reply as a Response that streams: what is large is never in memory, and what
// needs no change never passes through JavaScript.

import { Assembly, bodyLength, open, read, readAll } from "../router.js";

/** @typedef {import("../router/body.js").Bucket} Bucket */
/** @typedef {import("../router/body.js").Part} Part */
/** @typedef {import("../router/body.js").Piece} Piece */
/** @typedef {import("../router/handler.js").Reply} Reply */

/** Up to so many bytes an answer is put together before it is sent, in one piece. */
const AT_ONCE = 8 << 20;

/**
 * @param {Reply} reply
 * @param {Bucket} bucket
 * @param {(work: Promise<unknown>) => void} waitUntil
 */
export async function send(reply, bucket, waitUntil) {
  const headers = new Headers();
  for (const [name, values] of reply.headers) for (const value of values) headers.append(name, value);
  const { body, encodeBody } = await bodyOf(reply.body, bucket, waitUntil);
  return new Response(body, /** @type {any} */ ({ status: reply.status, headers, encodeBody }));
}

/**
 * @param {Piece[]} pieces
 * @param {Bucket} bucket
 * @param {(work: Promise<unknown>) => void} waitUntil
 * @returns {Promise<{body: any, encodeBody: "manual" | "automatic"}>}
 */
async function bodyOf(pieces, bucket, waitUntil) {
  const encodeBody = "manual"; // what says that it is encoded is so already
  if (pieces.length === 0) return { body: null, encodeBody };
  if (pieces.every((p) => p instanceof Uint8Array)) return { body: await readAll(pieces, bucket), encodeBody };
  // The first part is at hand before the status is sent, so that a failing
  // store is an error and not half an answer.
  const first = /** @type {Part | Assembly} */ (pieces.find((p) => !(p instanceof Uint8Array)));
  if (first instanceof Assembly) {
    if (first.size <= AT_ONCE) return { body: await readAll(pieces, bucket), encodeBody };
    await first.begin();
  } else {
    first.opened = await open(first, bucket);
    // A stream that fetch would decode goes out as it came in only if the
    // Response is of the same encoding by itself.
    if (pieces.length === 1) {
      return { body: first.opened.body, encodeBody: first.opened.encoded ? "automatic" : "manual" };
    }
  }
  const length = bodyLength(pieces);
  const { readable, writable } = length === undefined ? new TransformStream() : new FixedLengthStream(length);
  waitUntil(pump(pieces, bucket, writable));
  return { body: readable, encodeBody };
}

/**
 * Writes a body. If that fails the connection ends early, which is all that can
 * still be told to the client.
 * @param {Piece[]} pieces
 * @param {Bucket} bucket
 * @param {WritableStream<Uint8Array>} writable
 */
async function pump(pieces, bucket, writable) {
  try {
    for (const piece of pieces) {
      if (piece instanceof Uint8Array || piece instanceof Assembly) {
        await write(read([piece], bucket), writable);
      } else {
        const { body } = await open(piece, bucket);
        await body.pipeTo(writable, { preventClose: true });
      }
    }
    await writable.close();
  } catch (e) {
    console.error(`an answer ended early: ${e instanceof Error ? e.message : e}`);
    await writable.abort(e).catch(() => {});
  }
}

/**
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {WritableStream<Uint8Array>} writable
 */
async function write(chunks, writable) {
  const writer = writable.getWriter();
  try {
    for await (const chunk of chunks) await writer.write(chunk);
  } finally {
    writer.releaseLock();
  }
}
