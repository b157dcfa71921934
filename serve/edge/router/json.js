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
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let out = '"';
  for (const { code, valid, bytes } of runes(text)) {
    if (!valid) out += "\\ufffd";
    else if (SHORT.has(code)) out += SHORT.get(code);
    else if (code < 0x20 || code === 0x2028 || code === 0x2029) out += "\\u" + code.toString(16).padStart(4, "0");
    else out += bytes;
  }
  return out + '"';
}

const decoder = new TextDecoder();

/**
 * Reads a document. Its strings become byte strings.
 * @param {Uint8Array} bytes
 * @param {string} [end] what is missing at its end
 * @returns {any}
 */
export function parseJSON(bytes, end = "") {
  const text = decoder.decode(bytes) + end;
  // Nearly all documents are of ASCII, and escape nothing that is not.
  if (!/[^\0-\x7f]|\\u/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value) => (typeof value === "string" ? utf8(value) : value));
}
