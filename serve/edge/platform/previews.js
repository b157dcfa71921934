// Environments that exist for a while, by host names: the twin of serve/preview.go.

import { Live, NoPreview } from "./snapshot.js";

/** @typedef {import("../router/body.js").Bucket} Bucket */
/** @typedef {import("../router/keys.js").Hash} Hash */

/** How many previews are held in memory, and how many names without a preview are remembered. */
const MOST = 8;
const ABSENT = 1000;

const ENVIRONMENT = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;

/**
 * @typedef {object} Config
 * @property {string} [previews] "*.DOMAIN"; none without it
 * @property {string[]} [environments] that no preview may stand for
 * @property {number} pointerSeconds
 */

/** Finds the previews of a bucket when they are asked for. */
export class Previews {
  /**
   * @param {Config} config
   * @param {Bucket} bucket
   * @param {Hash} sha256
   */
  constructor(config, bucket, sha256) {
    this.config = config;
    this.bucket = bucket;
    this.sha256 = sha256;
    /** @type {Map<string, Live>} the one that was asked for last is last */
    this.found = new Map();
    /** @type {Map<string, number>} when they were looked for */
    this.absent = new Map();
  }

  /**
   * The name that stands for the environment in the host of a preview; "" if no
   * environment can have it, undefined if the host is not one of previews.
   * @param {string} host
   */
  match(host) {
    const { previews } = this.config;
    if (!previews) return undefined;
    const name = host
      .replace(/:[^:\]]*$/, "")
      .replace(/\.$/, "")
      .replace(/[A-Z]/g, (c) => c.toLowerCase());
    const domain = previews.slice(1).toLowerCase();
    if (!name.endsWith(domain)) return undefined;
    const label = name.slice(0, -domain.length);
    return ENVIRONMENT.test(label) && !this.config.environments?.includes(label) ? label : "";
  }

  /**
   * What is live of a preview. NoPreview is thrown if there is none.
   * @param {string} name
   */
  async live(name) {
    const seconds = this.config.pointerSeconds;
    const at = this.absent.get(name);
    if (name === "" || (at !== undefined && Date.now() - at < seconds * 1000)) throw new NoPreview(name);
    const live = this.found.get(name) ?? new Live(name, seconds, this.bucket, this.sha256, true);
    this.found.delete(name);
    this.found.set(name, live);
    for (const old of this.found.keys()) if (this.found.size > MOST) this.found.delete(old);
    try {
      await live.site();
    } catch (e) {
      if (e instanceof NoPreview) {
        this.found.delete(name);
        if (this.absent.size >= ABSENT) this.absent.clear();
        this.absent.set(name, Date.now());
      }
      throw e;
    }
    this.absent.delete(name);
    return live;
  }
}
