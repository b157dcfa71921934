// The twin of layout/query.go: the query of /search and /categories, understood.

import { quote } from "./quote.js";
import { parseVersion, VersionError } from "./semver.js";
import { parseQuery as parseValues } from "./url.js";

/** @typedef {import("./semver.js").Version} Version */

/**
 * @typedef {object} Query
 * @property {boolean} counting true for /categories, false for /search
 * @property {boolean} all
 * @property {boolean} prerelease
 * @property {boolean} experimental the legacy rules
 * @property {boolean} includePolicyTemplates
 * @property {string} category
 * @property {string} package
 * @property {string} type
 * @property {Version | null} kibana null accepts all
 * @property {Version | null} agent
 * @property {Version | null} specMin null is no bound
 * @property {Version | null} specMax
 * @property {string[] | null} capabilities null when none were given
 * @property {DiscoveryFilter[]} discovery
 */

/**
 * One value of the parameter "discovery".
 * @typedef {object} DiscoveryFilter
 * @property {"fields" | "datasets"} kind
 * @property {string[]} list
 */

/** A query that cannot be understood. The message is the body of a 400. */
export class QueryError extends Error {}

/**
 * @param {string} raw
 * @param {boolean} counting
 * @returns {Query}
 */
export function parseQuery(raw, counting) {
  const values = parseValues(raw);
  /** @param {string} name */
  const get = (name) => values.get(name)?.[0] ?? "";
  /** @param {string} name */
  const flag = (name) => parseBool(name, get(name));
  const kibana = version(get("kibana.version"), "Kibana");
  const agent = version(get("agent.version"), "agent");
  const specMin = specBound(get("spec.min"), "spec.min");
  const specMax = specBound(get("spec.max"), "spec.max");
  const capabilities = get("capabilities");
  const discovery = (values.get("discovery") ?? []).map(discoveryFilter);
  return {
    counting,
    kibana,
    agent,
    specMin,
    specMax,
    capabilities: capabilities === "" ? null : capabilities.split(","),
    discovery,
    prerelease: flag("prerelease"),
    experimental: flag("experimental"),
    includePolicyTemplates: counting && flag("include_policy_templates"),
    all: !counting && flag("all"),
    category: counting ? "" : get("category"),
    package: counting ? "" : get("package"),
    type: counting ? "" : get("type"),
  };
}

/**
 * Runs a reader of versions; what its error says follows a prefix.
 * @param {string} text
 * @param {string} prefix
 */
function read(text, prefix) {
  try {
    return parseVersion(text);
  } catch (e) {
    if (!(e instanceof VersionError)) throw e;
    throw new QueryError(prefix + e.message);
  }
}

/**
 * @param {string} text
 * @param {string} whose
 */
function version(text, whose) {
  return text === "" ? null : read(text, `invalid ${whose} version '${text}': `);
}

/**
 * @param {string} text
 * @param {string} name
 */
function specBound(text, name) {
  if (text === "") return null;
  if (text.split(".").length !== 2) {
    throw new QueryError(`invalid '${name}' version: invalid version '${text}': it should be <major.version>`);
  }
  return read(text, `invalid '${name}' version: invalid spec version '${text}': `);
}

/**
 * @param {string} text
 * @returns {DiscoveryFilter}
 */
function discoveryFilter(text) {
  const at = text.indexOf(":");
  const kind = text.slice(0, Math.max(0, at));
  if (kind === "fields" || kind === "datasets") return { kind, list: text.slice(at + 1).split(",") };
  const why = at < 0 ? `could not parse filter ${quote(text)}` : `unknown discovery filter ${quote(kind)}`;
  throw new QueryError(`invalid 'discovery' query param: '${text}': ${why}`);
}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["", "0", "f", "F", "FALSE", "false", "False"]);

/**
 * @param {string} name
 * @param {string} text
 */
function parseBool(name, text) {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new QueryError(`invalid '${name}' query param: '${text}'`);
}
