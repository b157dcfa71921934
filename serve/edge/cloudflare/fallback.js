// Long searches that were not rendered ahead: putting them together can take more
// processor time than the platform gives a request. A `regsnap serve` has no such
// limit.

import { Assembly } from "../router.js";

/** @typedef {import("./worker.js").Config} Config */
/** @typedef {import("../router/handler.js").Reply} Reply */

/**
 * The fallback's answer; null if the reply is to be sent from here, which it is
 * also when the fallback does not answer: some of it may then fit the limits.
 * @param {Config} config
 * @param {Reply} reply
 * @param {string} target
 * @param {Request} request
 */
export async function leave({ fallback, fallbackFrom = 0 }, reply, target, request) {
  const [assembly] = reply.body;
  if (!fallback || !(assembly instanceof Assembly) || assembly.selection.rows.length < fallbackFrom) return null;
  try {
    const answer = await fetch(fallback + target, request);
    if (answer.status < 500) return answer;
    await answer.body?.cancel();
    console.error(`the fallback says ${answer.status}`);
  } catch (e) {
    console.error(`the fallback does not answer: ${e instanceof Error ? e.message : e}`);
  }
  return null;
}
