// Events of Lambda@Edge.
// Source: Amazon CloudFront Developer Guide, "Lambda@Edge event structure".

/** @typedef {Record<string, {key?: string, value: string}[]>} CloudFrontHeaders by names in lower case */

/**
 * @typedef {object} CloudFrontRequest
 * @property {string} method
 * @property {string} uri
 * @property {string} querystring
 * @property {CloudFrontHeaders} headers
 * @property {object} [origin]
 */

/**
 * @typedef {object} CloudFrontResponse
 * @property {string} status
 * @property {string} [statusDescription]
 * @property {CloudFrontHeaders} headers
 * @property {string} [body]
 * @property {"text" | "base64"} [bodyEncoding]
 */

/** @typedef {{Records: [{cf: {request: CloudFrontRequest, response: CloudFrontResponse}}]}} Event */

/**
 * The header of a request to the bucket that tells the origin-response function
 * what clients are to see: headers, as JSON.
 */
export const ANSWER_HEADER = "x-regsnap-answer";

/**
 * The longest body that a function may send, as it is written into the event:
 * the platform's limit is 1 MB with headers.
 */
export const LONGEST = 1_000_000;

/**
 * How long a body of so many bytes is in the event.
 * @param {number} bytes
 */
export function eventSize(bytes) {
  return Math.ceil(bytes / 3) * 4;
}

/**
 * The headers of a request as the router asks for them.
 * @param {CloudFrontHeaders} headers
 * @param {string[]} hidden
 */
export function headersOf(headers, hidden) {
  return {
    /** @param {string} name */
    get(name) {
      const list = headers[name];
      return list && !hidden.includes(name) ? list.map((h) => h.value).join(", ") : null;
    },
  };
}

/**
 * A header of an event. Lines of one name are joined.
 * @param {string} name
 * @param {string[]} values
 */
export function header(name, values) {
  return [{ key: name, value: values.join(", ") }];
}

/**
 * What a function leaves to CloudFront: it counts the length itself, and would
 * compare dates in a way that a rollback makes wrong.
 */
const LEFT = ["content-length", "last-modified"];

/**
 * A reply as CloudFront takes it.
 * @param {number} status
 * @param {Map<string, string[]>} headers
 * @param {Uint8Array} body
 * @returns {CloudFrontResponse}
 */
export function response(status, headers, body) {
  const list = [...headers]
    .filter(([name]) => !LEFT.includes(name))
    .map(([name, values]) => [name, header(name, values)]);
  return {
    status: String(status),
    headers: Object.fromEntries(list),
    body: Buffer.from(body).toString("base64"),
    bodyEncoding: "base64",
  };
}
