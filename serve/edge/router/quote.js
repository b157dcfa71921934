import { runes } from "./bytes.js";

const SHORT = new Map([
  [7, "\\a"],
  [8, "\\b"],
  [9, "\\t"],
  [10, "\\n"],
  [11, "\\v"],
  [12, "\\f"],
  [13, "\\r"],
  [34, '\\"'],
  [92, "\\\\"],
]);

/**
 * A byte string in quotes, as Go's %q writes it: errors quote what a client sent.
 * @param {string} text
 */
export function quote(text) {
  let out = '"';
  for (const { code, valid, bytes } of runes(text)) {
    if (!valid) out += "\\x" + hex(bytes.charCodeAt(0), 2);
    else if (SHORT.has(code)) out += SHORT.get(code);
    else if (printable(code)) out += bytes;
    else if (code < 0x20 || code === 0x7f) out += "\\x" + hex(code, 2);
    else if (code < 0x10000) out += "\\u" + hex(code, 4);
    else out += "\\U" + hex(code, 8);
  }
  return out + '"';
}

/** @param {number} code */
function printable(code) {
  if (code < 0x7f) return code >= 0x20;
  return /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(String.fromCodePoint(code));
}

/**
 * @param {number} n
 * @param {number} digits
 */
function hex(n, digits) {
  return n.toString(16).padStart(digits, "0");
}
