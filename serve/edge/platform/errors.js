// What a client is told when there is no proper answer. Nothing of the bucket,
// its address or its credentials is in it: that goes to the log.

import { refuse } from "../router.js";

/** How long clients are told to wait, in seconds. */
const RETRY = 2;

/**
 * The reply to a request for a host that stands for no environment.
 * @param {string} host
 */
export function misdirected(host) {
  const shown = host.slice(0, LONGEST_HOST).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?");
  return refuse(421, `no environment of this registry answers for the host "${shown}"`);
}

/** How much of an unknown host is quoted: names of the DNS are no longer. */
const LONGEST_HOST = 255;

/**
 * The reply to a request whose answering failed.
 * @param {unknown} error
 * @param {string} target of the request
 * @param {boolean} live whether a snapshot was ever loaded
 */
export function failed(error, target, live) {
  console.error(`cannot answer ${JSON.stringify(target)}: ${error instanceof Error ? error.message : error}`);
  if (live) return refuse(502, "the object store of this registry does not answer");
  return refuse(
    503,
    "this registry has no snapshot that could be loaded yet",
    new Map([["retry-after", [String(RETRY)]]]),
  );
}
