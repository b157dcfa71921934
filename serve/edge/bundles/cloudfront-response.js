// Code generated from the sources of the edge; DO NOT EDIT.
// router/errors.js
var StoreError = class extends Error {
};

// router/bytes.js
function toBytes(text) {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

// router/catalog.js
var CHUNK = 1 << 20;

// router/keys.js
var MIN_GZIP = 1 << 10;

// router/body.js
var CHUNK2 = 256 << 10;

// router/json.js
var decoder = new TextDecoder();

// router/icon.js
var BASE64 = "AAABAAEAEBAAAAEAIABoBAAAFgAAACgAAAAQAAAAIAAAAAEAIAAAAAAAQAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEE3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/wAAAAAAAAAAAAAAAAAAAABBNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP8AAAAAAAAAAAAAAAAAAAAAQTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADMdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP8AAAAAAAAAAAAAAAAAAAAAzHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/AAAAAAAAAAAAAAAAAAAAAMx3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAs78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/AAAAAAAAAAAAAAAAAAAAALO/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/wAAAAAAAAAAAAAAAAAAAACzvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
var ICON = Uint8Array.from(atob(BASE64), (c) => c.charCodeAt(0));

// router/table.js
var DIGITS = new Uint8Array(128);
for (let i = 0; i < 64; i++) {
  DIGITS["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".charCodeAt(i)] = i;
}

// router/answer.js
var PLAIN_TYPE = "text/plain; charset=utf-8";
function plainError(status, text, cache) {
  return { kind: "direct", status, contentType: PLAIN_TYPE, cache, body: toBytes(text + "\n") };
}
var noRoute = plainError(404, "404 page not found", "error");
var noPackage = plainError(404, "package revision not found", "error");
var noArtifact = plainError(404, "artifact not found", "error");
var noSignature = plainError(404, "signature file not found", "error");
var badVersion = plainError(400, "invalid package version", "error");
var badMethod = plainError(405, "method not allowed", "error");
var noResource = plainError(404, "resource not found", "content");

// router/envelope.js
var GZIP_HEADER = Uint8Array.of(31, 139, 8, 0, 0, 0, 0, 0, 0, 255);
var ENVELOPE = GZIP_HEADER.length + 8;

// router/archived.js
var LARGEST_ARCHIVED = 512 << 10;

// router/cache.js
var NO_STORE = ["max-age=0", "private, no-store"];

// router/judged.js
var STORED = 512 << 10;
var INFLATED = 1 << 20;

// router/page.js
var KEPT = 4 << 20;

// router/handler.js
function refuse(status, text, headers = /* @__PURE__ */ new Map()) {
  const body = toBytes(text + "\n");
  headers.set("access-control-allow-origin", ["*"]);
  headers.set("content-type", [PLAIN_TYPE]);
  headers.set("cache-control", NO_STORE);
  headers.set("content-length", [String(body.length)]);
  return { status, headers, body: [body] };
}
var DOCUMENT = 512 << 10;

// router/parts.js
var KEPT2 = 16 << 20;

// router/sample.js
var VERSIONS = 12;
var DOCUMENT2 = 23 * VERSIONS + 5;

// platform/errors.js
var RETRY = 2;
function failed(error, target, live) {
  console.error(`cannot answer ${JSON.stringify(target)}: ${error instanceof Error ? error.message : error}`);
  if (live) return refuse(502, "the object store of this registry does not answer");
  return refuse(
    503,
    "this registry has no snapshot that could be loaded yet",
    /* @__PURE__ */ new Map([["retry-after", [String(RETRY)]]])
  );
}

// cloudfront/event.js
var ANSWER_HEADER = "x-regsnap-answer";
function header(name, values) {
  return [{ key: name, value: values.join(", ") }];
}
var LEFT = ["content-length", "last-modified"];
function response(status, headers, body) {
  const list = [...headers].filter(([name]) => !LEFT.includes(name)).map(([name, values]) => [name, header(name, values)]);
  return {
    status: String(status),
    headers: Object.fromEntries(list),
    body: Buffer.from(body).toString("base64"),
    bodyEncoding: "base64"
  };
}

// cloudfront/origin_response.js
var SOUND = ["200", "206", "304", "412", "416"];
var DROPPED = /^(x-amz-.*|server|last-modified|accept-ranges)$/;
async function originResponse(event) {
  const { request, response: sent } = event.Records[0].cf;
  const answer2 = request.headers[ANSWER_HEADER]?.[0]?.value;
  if (answer2 === void 0) return sent;
  if (!SOUND.includes(sent.status)) {
    return unsound(request, `the bucket says ${sent.status} to CloudFront`);
  }
  const { "content-length": want, ...shown } = JSON.parse(answer2);
  const length = sent.headers["content-length"]?.[0]?.value;
  if (sent.status === "200" && want !== void 0 && length !== void 0 && length !== want) {
    return unsound(request, `the bucket sends ${length} bytes to CloudFront, want ${want}`);
  }
  for (const name of Object.keys(sent.headers)) if (DROPPED.test(name)) delete sent.headers[name];
  for (const [name, value] of Object.entries(shown)) sent.headers[name] = header(name, [value]);
  sent.headers["access-control-allow-origin"] = header("access-control-allow-origin", ["*"]);
  return sent;
}
function unsound(request, text) {
  const { status, headers, body } = failed(new StoreError(`${request.uri}: ${text}`), request.uri, true);
  return response(
    status,
    headers,
    /** @type {Uint8Array} */
    body[0]
  );
}
export {
  originResponse as handler
};
