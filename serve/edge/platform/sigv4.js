// Signatures of requests to S3 and what speaks its protocol: AWS Signature
// Version 4, of headers, for requests without a body.
// Source: Amazon S3 API Reference, "Authenticating Requests: Using the
// Authorization Header".

/**
 * @typedef {object} Credentials
 * @property {string} id
 * @property {string} secret
 * @property {string} [token] of temporary credentials
 */

const ALGORITHM = "AWS4-HMAC-SHA256";
const PAYLOAD = "UNSIGNED-PAYLOAD";

const encoder = new TextEncoder();

/**
 * The headers that sign a request.
 * @param {string} method
 * @param {URL} url its path is escaped as S3 wants it: all but letters, digits and "-._~/"
 * @param {string} region
 * @param {Credentials} credentials
 * @param {Date} now
 * @returns {Promise<Record<string, string>>}
 */
export async function signed(method, url, region, credentials, now) {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = time.slice(0, 8);
  /** @type {Record<string, string>} */
  const headers = { host: url.host, "x-amz-content-sha256": PAYLOAD, "x-amz-date": time };
  if (credentials.token) headers["x-amz-security-token"] = credentials.token;
  const names = Object.keys(headers).sort();
  const list = names.join(";");
  const canonical = [method, url.pathname, "", ...names.map((n) => `${n}:${headers[n]}`), "", list, PAYLOAD].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const hash = hex(await crypto.subtle.digest("SHA-256", encoder.encode(canonical)));
  const text = [ALGORITHM, time, scope, hash].join("\n");
  let key = await hmac(encoder.encode("AWS4" + credentials.secret), day);
  for (const part of [region, "s3", "aws4_request"]) key = await hmac(key, part);
  const signature = hex(await hmac(key, text));
  const { host: _, ...sent } = headers;
  return {
    ...sent,
    authorization: `${ALGORITHM} Credential=${credentials.id}/${scope}, SignedHeaders=${list}, Signature=${signature}`,
  };
}

/**
 * @param {BufferSource} key
 * @param {string} text
 */
async function hmac(key, text) {
  const k = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", k, encoder.encode(text));
}

/** @param {ArrayBuffer} buffer */
function hex(buffer) {
  return [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, "0")).join("");
}
