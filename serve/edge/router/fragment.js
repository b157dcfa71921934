// The twin of layout/fragment.go. A fragment is a byte string.

const OPEN = '\n    "policy_templates": [\n';
const CLOSE = "\n    ]";
const END = "\n      }";

/**
 * Cuts a package's summary down to some of its policy templates: those whose
 * numbers, counted from 0, are in keep. Without any the whole field goes.
 * @param {string} fragment
 * @param {number[]} keep
 */
export function keepTemplates(fragment, keep) {
  const start = fragment.indexOf(OPEN);
  const end = fragment.indexOf(CLOSE, start + OPEN.length);
  if (start < 0 || end < 0) return fragment;
  const before = fragment.slice(0, start);
  const after = fragment.slice(end + CLOSE.length);
  const templates = fragment.slice(start + OPEN.length, end).split(END + ",\n");
  const kept = templates.map((t, i) => (i < templates.length - 1 ? t + END : t)).filter((_, i) => keep.includes(i));
  if (kept.length > 0) return before + OPEN + kept.join(",\n") + CLOSE + after;
  // The field before loses its comma if this was the last one.
  return after.startsWith(",") ? before + after.slice(1) : before.replace(/,$/, "") + after;
}
