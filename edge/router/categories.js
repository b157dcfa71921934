// The twin of layout/categories.go: the answer to /categories.

import { jsonString } from "./json.js";

/** @typedef {import("./table.js").Table} Table */
/** @typedef {import("./select.js").Selection} Selection */

/**
 * @param {Table} t
 * @param {Selection} s
 * @param {boolean} includeTemplates
 */
export function count(t, s, includeTemplates) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @param {string} c */
  const add = (c) => counts.set(c, (counts.get(c) ?? 0) + 1);
  for (const row of s.rows) {
    const own = t.head.labels[t.label.at(row)] ?? [];
    own.forEach(add);
    if (includeTemplates) countTemplates(t, own, t.head.templates[t.template.at(row)] ?? [], add);
  }
  const entries = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, n]) => entry(t, id, n));
  return entries.length === 0 ? "[]\n" : "[\n" + entries.join(",\n") + "\n]\n";
}

/**
 * @param {Table} t
 * @param {string[]} own
 * @param {import("./table.js").Template[]} templates
 * @param {(category: string) => void} add
 */
function countTemplates(t, own, templates, add) {
  const met = new Set();
  for (const { categories } of templates) {
    if (categories === null && templates.length === 1) return;
    own.forEach(add);
    for (const c of categories ?? []) {
      if (!met.has(c) && !t.hasCategory(own, c)) add(c);
      met.add(c);
      add(c);
    }
  }
}

/**
 * @param {Table} t
 * @param {string} id
 * @param {number} n
 */
function entry(t, id, n) {
  const known = t.titles.get(id);
  const fields = [`"id": ${jsonString(id)}`, `"title": ${jsonString(known ? known.title : id)}`, `"count": ${n}`];
  if (known?.parent) {
    fields.push(`"parent_id": ${jsonString(known.parent)}`);
    const title = t.titles.get(known.parent)?.title;
    if (title) fields.push(`"parent_title": ${jsonString(title)}`);
  }
  return "  {\n    " + fields.join(",\n    ") + "\n  }";
}
