// JSON of byte strings, as Go's encoding/json writes it and reads it.

import { runes, utf8 } from "./bytes.js";

const SHORT = new Map([
  [8, "\\b"],
  [9, "\\t"],
  [10, "\\n"],
  [12, "\\f"],
  [13, "\\r"],
  [34, '\\"'],
  [92, "\\\\"],
]);

/**
 * A byte string as a JSON string, as Go's encoding/json writes it when it does
 * not escape for HTML.
 * @param {string} text
 */
export function jsonString(text) {
  let out = '"';
  for (const { code, valid, bytes } of runes(text)) {
    if (!valid) out += "\\ufffd";
    else if (SHORT.has(code)) out += SHORT.get(code);
    else if (code < 0x20 || code === 0x2028 || code === 0x2029) out += "\\u" + code.toString(16).padStart(4, "0");
    else out += bytes;
  }
  return out + '"';
}

/**
 * Reads a document that is a byte string; its strings are byte strings too. The
 * writer escapes few characters that are not ASCII.
 * @param {string} text
 * @returns {any}
 */
export function parseJSON(text) {
  if (!text.includes("\\u")) return JSON.parse(text);
  return JSON.parse(text, (_, value) => (typeof value === "string" ? value.replace(/[^\0-\xff]/g, utf8) : value));
}
