// What was decided after the snapshot was built, as far as the edge that answers here
// follows the pointer: on the pages of the environment and of a package. It comes
// before catalog.js in the one script of the catalogue, and uses what that defines.

/**
 * @typedef {object} Move
 * @property {string} snapshot
 * @property {string} kind
 * @property {string} at
 * @property {string} [by]
 * @property {string} [reason]
 * @property {string} [before]
 * @property {{name: string, commit?: string}[]} [branches]
 * @property {string[]} [added]
 * @property {string[]} [removed]
 * @property {string[]} [changed]
 * @property {number} [more]
 */

const DONE = new Map([["publish", "published"], ["rollback", "rolled back"], ["pin", "pinned"], ["unpin", "unpinned"]]);
const PARTS = /** @type {const} */ (["added", "changed", "removed"]);

/**
 * What is said of the pointer at the root of the catalogue; null if nothing is.
 * @returns {Promise<{snapshot: string, pinned?: {by?: string, reason?: string, at: string}, moves: Move[]} | null>}
 */
async function told() {
  const answer = await fetch(new URL(`${body.dataset.root}-/live.json`, location.href)).catch(() => null);
  const live = answer?.ok ? await answer.json().catch(() => null) : null;
  return live?.moves?.length ? live : null;
}

/** @param {string} at */
function time(at) {
  const iso = new Date(at).toISOString();
  return make("time", { datetime: iso }, `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`);
}

/** @param {{by?: string, reason?: string}} note */
function signed({ by, reason }) {
  const out = make("span", { class: "reason" });
  if (by) out.append(` by ${by}`);
  if (reason) out.append(`, because: ${reason}`);
  return out;
}

async function environment() {
  const live = await told();
  if (!live) return;
  const { moves, snapshot, pinned } = live;
  let first = 0;
  while (moves[first + 1]?.snapshot === snapshot) first++;
  const move = moves[first];
  const made = ["publish", "rollback"].includes(move.kind);
  // What is here takes the room that it was given; all of it is said below, too.
  $("live").replaceChildren(
    make("strong", {}, pinned ? "Held. " : "", made ? "Live since " : "Live since before ", time(move.at)),
    ...(made ? [`, ${DONE.get(move.kind)}`, signed(move)] : []),
    ".",
  );
  /** @type {HTMLElement[]} */
  const parts = [make("h2", {}, "Moves"), moveTable(moves)];
  if (pinned) parts.splice(1, 0, make("p", {}, "Held", signed(pinned), " (", time(pinned.at), "). Nothing that is published replaces it."));
  if (made && PARTS.some((part) => move[part])) parts.unshift(make("h2", {}, "What changed with it"), ...changes(move));
  $("moves").replaceChildren(...parts);
}

/**
 * What came, changed and went with the move that made the snapshot live.
 * @param {Move} move
 */
function changes(move) {
  const out = [];
  for (const part of PARTS) {
    const ids = move[part];
    if (!ids) continue;
    const items = ids.map((id) => {
      const [name, version] = split(id);
      const to = `${body.dataset.root}${name}/${encodeURIComponent(version)}/`;
      return make("li", {}, part === "removed" ? `${name} ${version}` : make("a", { href: to }, `${name} ${version}`));
    });
    out.push(make("h3", {}, part[0].toUpperCase() + part.slice(1)), make("ul", { class: "chips" }, ...items));
  }
  if (move.more) out.push(make("p", {}, `And ${move.more} more.`));
  return out;
}

/** @param {string} id of a package version: no name has a dash */
function split(id) {
  const dash = id.indexOf("-");
  return [id.slice(0, dash), id.slice(dash + 1)];
}

/** @param {Move[]} moves */
function moveTable(moves) {
  const rows = moves.map((m) => {
    const commits = (m.branches ?? []).filter((b) => b.commit).map((b) => `${b.name} ${b.commit?.slice(0, 12)}`);
    const counts = PARTS.filter((part) => m[part]).map((part) => `${m[part]?.length} ${part}`);
    if (m.more) counts.push(`${m.more} more`);
    const cells = [time(m.at), DONE.get(m.kind) ?? m.kind, make("code", {}, m.snapshot), m.by ?? "", make("span", { class: "reason" }, m.reason ?? ""), counts.join(", "), commits.join(", ")];
    return make("tr", {}, ...cells.map((c) => make("td", {}, c)));
  });
  const head = ["Time", "Move", "Live after it", "By", "Reason", "Package versions", "Commits"].map((t) => make("th", { scope: "col" }, t));
  const table = make("table", {}, make("caption", { class: "hidden" }, "Moves of the pointer, the newest first"), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Moves" }, table);
}

// A package's page: when its versions were published here, as far back as is said.

async function arrivals() {
  const live = await told();
  const name = decodeURIComponent(location.pathname.split("/").at(-2) ?? "");
  /** @type {Map<string, Move>} the move that brought a version, or its present content */
  const by = new Map();
  for (const move of live?.moves.toReversed() ?? []) {
    if (move.kind === "publish") for (const id of [...(move.added ?? []), ...(move.changed ?? [])]) by.set(id, move);
  }
  for (const li of document.querySelectorAll("#list > li")) {
    const move = by.get(`${name}-${li.querySelector("h3 a")?.textContent}`);
    const line = li.querySelector(".line");
    if (!move || !line) continue;
    line.append(" ", make("span", {}, "published here ", time(move.at), move.by ? ` by ${move.by}` : ""));
    line.setAttribute("title", line.textContent ?? ""); // a phone shows the beginning
  }
}
