// The twin of export/names.go: where an export has the objects of its snapshot.

import { runes } from "../router/bytes.js";

/** What any web server may show. */
const TREE = "tree/";

export const ROUTES = "data/routes.json";

/**
 * The file of an object, below the folder of its snapshot.
 * @param {string} key
 */
export function fileOf(key) {
  const m = /^packages\/([^/]+)\/([^/]+)\/[^/]+\/(files\/)?(.+)$/.exec(key);
  if (!m || (m[4] === "contents.json" && !m[3])) return "data/" + key;
  const [, name, version, files, rest] = m;
  if (!files) return `${TREE}epr/${name}/${plain(rest)}`;
  const elements = rest.split("/").map(plain);
  if (DOCUMENTS.includes(elements[0])) elements[0] = "=" + elements[0];
  return `${TREE}package/${name}/${plain(version)}/${elements.join("/")}`;
}

/** What lies beside the files of a package, and the form it has for clients that take gzip. */
const DOCUMENTS = ["index.json", "index.json.gz"];

/**
 * The name of a key's element without escapes, if it is one that every system
 * takes: valid UTF-8 without control characters. An element without a name of
 * its own is left as it is, which then holds "=", as no other does.
 * @param {string} element
 */
function plain(element) {
  if (!element.includes("=") || /=-|=3D|=2F|=[01]|=7F|^(=2E)+$/.test(element)) return element;
  const name = element.replace(/=(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  let out = "";
  for (const { code, valid } of runes(name)) {
    if (!valid) return element;
    out += String.fromCodePoint(code);
  }
  return out;
}
