// The twin of layout/cache.go: how long clients may keep answers.

/** @typedef {{index: number, content: number}} CachePolicy in seconds */

/** @typedef {"none" | "index" | "content" | "error"} CacheClass redirects and /health say nothing */

/**
 * The values of Cache-Control, a header line each.
 * @param {CachePolicy} policy
 * @param {CacheClass} cacheClass
 * @returns {string[]}
 */
export function cacheControl(policy, cacheClass) {
  switch (cacheClass) {
    case "index":
      return [`max-age=${policy.index}`, "public"];
    case "content":
      return [`max-age=${policy.content}`, "public"];
    case "error":
      return NO_STORE;
  }
  return [];
}

export const NO_STORE = ["max-age=0", "private, no-store"];
