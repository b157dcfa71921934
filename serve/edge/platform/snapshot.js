// The snapshot that is live: the twin of serve/follow.go.

import {
  Lists,
  liveBody,
  Parts,
  pointerKey,
  readObject,
  routesKey,
  RoutesError,
  StoreError,
  Table,
  validSnapshot,
} from "../router.js";
import { inflate } from "./inflate.js";

/** @typedef {import("../router/body.js").Bucket} Bucket */
/** @typedef {import("../router/handler.js").Site} Site */
/** @typedef {import("../router/keys.js").Hash} Hash */

/** How many snapshots are kept: the live one, and the one to roll back to. */
const KEPT = 2;

/** An environment is not there, or may not be answered for as a preview. */
export class NoPreview extends Error {}

/** Follows the pointer of an environment. */
export class Live {
  /**
   * @param {string} environment
   * @param {number} seconds for how long the pointer need not be looked at again
   * @param {Bucket} bucket
   * @param {Hash} sha256
   * @param {boolean} [preview] it must be one
   */
  constructor(environment, seconds, bucket, sha256, preview = false) {
    this.preview = preview;
    this.environment = environment;
    this.milliseconds = seconds * 1000;
    this.bucket = bucket;
    this.sha256 = sha256;
    this.parts = new Parts(bucket);
    this.lists = new Lists(bucket, sha256);
    /** @type {Map<string, Site>} the live one last */
    this.sites = new Map();
    /** @type {Site | null} */
    this.live = null;
    /** When the pointer was last looked at, and how often. */
    this.looked = -Infinity;
    this.looks = 0;
    this.latest = 0;
  }

  /**
   * What a request is answered from, all of it: one snapshot, however the
   * pointer moves meanwhile. Who finds that it is time looks at the pointer; the
   * others go on with what is live. If that fails, what was live stays.
   * @returns {Promise<Site>}
   */
  async site() {
    const now = Date.now();
    if (this.live && now - this.looked < this.milliseconds) return this.live;
    this.looked = now;
    const look = ++this.looks;
    try {
      const site = await this.load();
      // A look that took long must not take back what a later one found.
      if (look > this.latest) {
        this.latest = look;
        this.live = site;
      }
    } catch (e) {
      if (e instanceof NoPreview) this.live = null;
      if (!this.live) throw e;
      console.error(`cannot follow the pointer of ${this.environment}: what was live stays live: ${e}`);
    }
    return /** @type {Site} */ (this.live);
  }

  async load() {
    const { id, bytes } = await this.pointer();
    const known = this.sites.get(id);
    /** @type {Site} */
    const site = known ?? {
      table: await this.table(id),
      modified: modifiedOf(id),
      bucket: this.bucket,
      parts: this.parts,
      lists: this.lists,
      inflate,
      sha256: this.sha256,
    };
    /** @type {Uint8Array | undefined} the log is not read again before the pointer is */
    let said;
    site.live = async () => (said ??= await liveBody(this.environment, bytes, this.bucket));
    this.sites.delete(id);
    this.sites.set(id, site);
    for (const old of this.sites.keys()) if (this.sites.size > KEPT) this.sites.delete(old);
    return site;
  }

  async pointer() {
    const key = pointerKey(this.environment);
    const bytes = this.preview ? await this.bucket.read(key) : await readObject(key, this.bucket);
    if (!bytes) throw new NoPreview(this.environment);
    let id, preview;
    try {
      ({ snapshot: id, preview } = JSON.parse(new TextDecoder().decode(bytes)));
    } catch {
      // What cannot be read names no snapshot.
    }
    if (this.preview && (typeof preview !== "object" || !preview)) throw new NoPreview(this.environment);
    if (typeof id !== "string" || !validSnapshot(id)) throw new StoreError(`${key}: names no snapshot`);
    return { id, bytes };
  }

  /** @param {string} id */
  async table(id) {
    const key = routesKey(this.environment, id);
    const table = new Table(await readObject(key, this.bucket));
    if (table.head.environment !== this.environment) {
      throw new RoutesError(`${key}: is of environment ${table.head.environment}`);
    }
    return table;
  }
}

/**
 * The time in a snapshot's id as Last-Modified has it; "" if it has none.
 * @param {string} id
 */
export function modifiedOf(id) {
  const m = /^(....)(..)(..)T(..)(..)(..)Z-/.exec(id);
  const at = m ? Date.parse(`${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}Z`) : NaN;
  return Number.isNaN(at) ? "" : new Date(at).toUTCString();
}
