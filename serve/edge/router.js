// The router of the registry API: a request and the routes of a snapshot to the
// answer, or to the objects of the bucket that it is made of. It knows no
// platform: what it needs of one, reading objects and hashing, is handed to it.
//
// The files in router/ are the twins of those in layout/ and serve/ of the same
// name, and give the same answers, byte for byte: the vectors in testdata/ hold
// them to that.

export { Assembly } from "./router/catalog.js";
export { bodyLength, open, read, readAll, readObject } from "./router/body.js";
export { StoreError } from "./router/errors.js";
export { handle, refuse } from "./router/handler.js";
export { pointerKey, routesKey, validSnapshot } from "./router/keys.js";
export { liveBody } from "./router/live.js";
export { Lists } from "./router/page.js";
export { Parts } from "./router/parts.js";
export { answer } from "./router/answer.js";
export { RoutesError, Table } from "./router/table.js";
export { parseTarget } from "./router/url.js";
export { warmUp } from "./router/warm.js";
