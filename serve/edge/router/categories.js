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
  for (const { label, template, n } of alike(t, s.rows)) {
    const own = t.head.labels[label] ?? [];
    /** @param {string} c */
    const add = (c) => counts.set(c, (counts.get(c) ?? 0) + n);
    own.forEach(add);
    if (includeTemplates) countTemplates(t, own, t.head.templates[template] ?? [], add);
  }
  const entries = [...counts.keys()].sort().map((id) => entry(t, id, counts.get(id)));
  return entries.length === 0 ? "[]\n" : "[\n" + entries.join(",\n") + "\n]\n";
}

/**
 * How many rows have the same categories and policy templates: few differ.
 * @param {Table} t
 * @param {number[]} rows
 */
function alike(t, rows) {
  /** @type {Map<number, {label: number, template: number, n: number}>} */
  const groups = new Map();
  for (const row of rows) {
    const label = t.label.at(row);
    const template = t.template.at(row);
    const key = label * t.head.templates.length + template;
    const group = groups.get(key);
    if (group) group.n++;
    else groups.set(key, { label, template, n: 1 });
  }
  return groups.values();
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
 * @param {number | undefined} n
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
