// Runs vectors through the functions of Lambda@Edge, as CloudFront would:
// node test/cloudfront.js VECTORS ORIGIN-REQUEST ORIGIN-RESPONSE BUCKET-URL
//
// The two functions are modules. Requests to the bucket are signed for with the
// credentials in the environment, if there are any, as CloudFront does with an
// origin access control.

import { readFileSync } from "node:fs";
import http from "node:http";
import { pathToFileURL } from "node:url";

import { originHeaders } from "../platform/origin.js";
import { differences } from "./compare.js";

const [, , file, requestFunction, responseFunction, bucketURL] = process.argv;
const { handler: originRequest } = await import(pathToFileURL(requestFunction).href);
const { handler: originResponse } = await import(pathToFileURL(responseFunction).href);
const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env;
const origin = {
  url: bucketURL,
  region: "us-east-1",
  credentials: id && secret ? { id, secret } : null,
};

/**
 * The event of a vector's request.
 * @param {any} vector
 */
function requestEvent({ method, target, headers = {} }) {
  const at = target.indexOf("?");
  const list = Object.entries({ Host: "bucket.example", ...headers }).map(([key, value]) => [
    key.toLowerCase(),
    [{ key, value }],
  ]);
  return {
    Records: [
      {
        cf: {
          config: { distributionId: "EXAMPLE", eventType: "origin-request", requestId: "request" },
          request: {
            clientIp: "192.0.2.1",
            method,
            uri: at < 0 ? target : target.slice(0, at),
            querystring: at < 0 ? "" : target.slice(at + 1),
            headers: Object.fromEntries(list),
            origin: {
              s3: {
                authMethod: "none",
                customHeaders: {},
                domainName: "bucket.example",
                path: "",
                region: "us-east-1",
              },
            },
          },
        },
      },
    ],
  };
}

/**
 * Asks the bucket what a function forwards.
 * @param {any} request
 * @param {string} method
 * @returns {Promise<{status: string, headers: any, body: Buffer}>}
 */
async function fetchObject(request, method) {
  const url = new URL(bucketURL + request.uri);
  const headers = await originHeaders(origin, method, url);
  for (const name of ["range", "x-regsnap-answer"]) {
    if (request.headers[name]) headers[name] = request.headers[name][0].value;
  }
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method, headers, agent }, (message) => {
      /** @type {Buffer[]} */
      const chunks = [];
      message.on("data", (chunk) => chunks.push(chunk));
      message.on("end", () => {
        const list = Object.entries(message.headers).map(([key, value]) => [key, [{ key, value: String(value) }]]);
        resolve({ status: String(message.statusCode), headers: Object.fromEntries(list), body: Buffer.concat(chunks) });
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}

const agent = new http.Agent({ keepAlive: true });
/** What is larger than this, in bytes and not encoded, no function may send. */
const LARGE = 700_000;
// Ranges and dates are between CloudFront and the bucket, and an empty query is
// not in the event.
const LEFT = ["Range", "If-Range", "If-Modified-Since"];
const vectors = readFileSync(file, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line))
  .filter(
    ({ target, headers = {} }) => !LEFT.some((name) => name in headers) && target.indexOf("?") !== target.length - 1,
  );
const count = { generated: 0, forwarded: 0, tooLarge: 0, wrong: 0 };
for (const vector of vectors) {
  const event = requestEvent(vector);
  const before = JSON.stringify(event.Records[0].cf.request);
  const out = await originRequest(event);
  let got;
  if (out.status === undefined) {
    count.forwarded++;
    got = await passedOn(out);
  } else {
    count.generated++;
    if (JSON.stringify(out).length > 1 << 20) throw new Error(`${vector.target}: the response is longer than 1 MB`);
    if (before !== JSON.stringify(event.Records[0].cf.request))
      throw new Error(`${vector.target}: the request was changed, and answered`);
    const body = Buffer.from(out.body ?? "", out.bodyEncoding === "base64" ? "base64" : "utf8");
    got = { status: Number(out.status), headers: out.headers, body };
  }
  if (
    got.status === 503 &&
    vector.want.status === 200 &&
    vector.want.length > LARGE &&
    !vector.want.headers["content-encoding"]
  ) {
    count.tooLarge++; // for the fallback, which there is none of here
    continue;
  }
  const found = differences(expected(vector), {
    status: got.status,
    header: (name) => got.headers[name]?.[0].value ?? "",
    length: got.body.length,
    body: vector.method === "HEAD" ? Buffer.alloc(0) : got.body,
  });
  if (found.length > 0 && ++count.wrong <= 20) {
    console.error(`${vector.method} ${vector.target} ${JSON.stringify(vector.headers ?? {})}\n  ${found.join("\n  ")}`);
  }
}

/**
 * What comes of a request that is passed on to the bucket.
 * @param {any} request
 */
async function passedOn(request) {
  const { body, ...response } = await fetchObject(request, "GET");
  const event = { Records: [{ cf: { config: { eventType: "origin-response" }, request, response } }] };
  const out = await originResponse(event);
  return {
    status: Number(out.status),
    headers: out.headers,
    body: out.body === undefined ? body : Buffer.from(out.body, "base64"),
  };
}

/**
 * A vector as it is behind CloudFront: without Last-Modified, and of a file that is too
 * large encoded as it is.
 * @param {any} vector
 */
function expected({ target, want }) {
  if (want.headers["content-encoding"] && want.length > LARGE) {
    const plain = vectors.find(
      (v) => v.target === target && v.want.status === 200 && !v.want.headers["content-encoding"],
    );
    want = plain?.want ?? want;
  }
  const { "last-modified": _, ...headers } = want.headers;
  return { want: { ...want, headers } };
}

agent.destroy();
console.log(
  `${vectors.length} vectors, ${count.generated} answered, ${count.forwarded} forwarded, ${count.tooLarge} too large without gzip, ${count.wrong} differences`,
);
process.exit(count.wrong > 0 || vectors.length === 0 ? 1 : 0);
