// Byte strings: strings whose characters are bytes, 0 to 255. A path or a query
// that a client escaped can be any bytes, and is answered byte for byte; so the
// router works on these throughout, and only requests and routes.json are
// turned into them.

/** At most this many arguments are given to a function at once: njs takes no more. */
const CHUNK = 1024;

/**
 * The byte string of bytes.
 * @param {Uint8Array} bytes
 * @param {number} [from]
 * @param {number} [to]
 */
export function fromBytes(bytes, from = 0, to = bytes.length) {
  let out = "";
  for (let at = from; at < to; at += CHUNK) {
    out += String.fromCharCode.apply(null, /** @type {any} */ (bytes.subarray(at, Math.min(to, at + CHUNK))));
  }
  return out;
}

/**
 * The bytes of a byte string.
 * @param {string} text
 */
export function toBytes(text) {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

/**
 * The byte string of the UTF-8 form of a text. Half a surrogate pair is the
 * replacement character, as everywhere.
 * @param {string} text
 */
export function utf8(text) {
  if (!/[^\0-\x7f]/.test(text)) return text;
  let out = "";
  for (const character of text) {
    let c = /** @type {number} */ (character.codePointAt(0));
    if (c >= 0xd800 && c <= 0xdfff) c = 0xfffd;
    if (c < 0x80) out += String.fromCharCode(c);
    else if (c < 0x800) out += String.fromCharCode(0xc0 | (c >> 6), 0x80 | (c & 63));
    else if (c < 0x10000) out += String.fromCharCode(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    else out += String.fromCharCode(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
  }
  return out;
}

/**
 * The code points of a byte string that is read as UTF-8 the way that Go does:
 * a byte that begins no valid sequence is one invalid code point.
 * @param {string} text
 * @returns {Generator<{code: number, valid: boolean, bytes: string}>}
 */
export function* runes(text) {
  for (let i = 0; i < text.length;) {
    const size = sequence(text, i);
    const bytes = text.slice(i, i + Math.max(1, size));
    i += bytes.length;
    const lead = bytes.charCodeAt(0);
    if (size === 0) {
      yield { code: 0xfffd, valid: false, bytes };
      continue;
    }
    let code = size === 1 ? lead : lead & (0xff >> (size + 1));
    for (let k = 1; k < size; k++) code = (code << 6) | (bytes.charCodeAt(k) & 63);
    yield { code, valid: true, bytes };
  }
}

/**
 * How many bytes the UTF-8 sequence at a place has; 0 if it is not valid.
 * Source: the Unicode Standard, table 3-7.
 * @param {string} text
 * @param {number} at
 */
function sequence(text, at) {
  const lead = text.charCodeAt(at);
  if (lead < 0x80) return 1;
  const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (at + size > text.length) return 0;
  for (let k = 1; k < size; k++) {
    const c = text.charCodeAt(at + k);
    const least = k > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const most = k > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (c < least || c > most) return 0;
  }
  return size;
}
