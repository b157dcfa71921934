// Versions the way that Masterminds/semver v3 reads and orders them, down to
// the texts of its errors.

/**
 * @typedef {object} Version
 * @property {string} major decimal digits without leading zeros, up to 2^64-1
 * @property {string} minor
 * @property {string} patch
 * @property {string[]} pre the parts of the pre-release; none if it is a release
 */

/** A version that cannot be read. The message is that of the Go library. */
export class VersionError extends Error {}

const LOOSE =
  /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;
const STRICT =
  /^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** In bytes. */
const LONGEST = 256;
const LARGEST = "18446744073709551615";

/**
 * Reads a version leniently: "8.5", "v8", "08.1.0".
 * @param {string} text
 * @returns {Version}
 */
export function parseVersion(text) {
  if (text.length > LONGEST) throw new VersionError("version string is too long (max 256 bytes)");
  const m = LOOSE.exec(text);
  if (!m) throw new VersionError("invalid semantic version");
  const [major, minor, patch] = [m[1], m[2] ?? "0", m[3] ?? "0"].map((digits) => {
    if (!fits(digits)) {
      throw new VersionError(
        `error parsing version segment: strconv.ParseUint: parsing "${digits}": value out of range`,
      );
    }
    return plain(digits);
  });
  const pre = m[4] ? m[4].split(".") : [];
  if (pre.some(leadingZero)) throw new VersionError("version segment starts with 0");
  return { major, minor, patch, pre };
}

/**
 * Tells whether a text is a strict semantic version.
 * @param {string} text
 */
export function isStrict(text) {
  return strict(text) !== null;
}

/**
 * Reads a version that routes.json has, which is a strict one.
 * @param {string} text
 * @returns {Version}
 */
export function parseStrict(text) {
  const v = strict(text);
  if (!v) throw new VersionError(`${text} is not a semantic version`);
  return v;
}

/**
 * @param {string} text
 * @returns {Version | null}
 */
function strict(text) {
  const m = text.length > LONGEST ? null : STRICT.exec(text);
  if (!m || !fits(m[1]) || !fits(m[2]) || !fits(m[3])) return null;
  const pre = m[4] ? m[4].split(".") : [];
  return pre.some(leadingZero) ? null : { major: m[1], minor: m[2], patch: m[3], pre };
}

/** @param {string} part */
function leadingZero(part) {
  return part.length > 1 && part[0] === "0" && /^[0-9]+$/.test(part);
}

/** @param {string} digits */
function plain(digits) {
  return digits.replace(/^0+(?=.)/, "");
}

/**
 * Tells whether a number is less than 2^64.
 * @param {string} digits
 */
function fits(digits) {
  return compareNumbers(plain(digits), LARGEST) <= 0;
}

/**
 * @param {string} a
 * @param {string} b
 */
function compareNumbers(a, b) {
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}

/**
 * The order of two versions: negative, 0 or positive.
 * @param {Version} a
 * @param {Version} b
 */
export function compare(a, b) {
  const d = compareNumbers(a.major, b.major) || compareNumbers(a.minor, b.minor) || compareNumbers(a.patch, b.patch);
  if (d !== 0) return d;
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const d = comparePart(a.pre[i] ?? "", b.pre[i] ?? "");
    if (d !== 0) return d;
  }
  return 0;
}

/**
 * @param {string} a
 * @param {string} b
 */
function comparePart(a, b) {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? -1 : 1;
  const numberA = isNumber(a);
  const numberB = isNumber(b);
  if (numberA && numberB) return compareNumbers(plain(a), plain(b));
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a < b ? -1 : 1;
}

/** @param {string} part */
function isNumber(part) {
  return /^[0-9]+$/.test(part) && fits(part);
}
