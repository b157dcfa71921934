// The catalogue's script: what pages can do beyond being read. Every page is
// complete without it. It builds no HTML of texts: those are set as text.

const body = document.body;
const api = new URL(body.dataset.api ?? "../", location.href);

/**
 * @param {string} id
 * @returns {any} an element of the page, or null
 */
const $ = (id) => document.getElementById(id);

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
function make(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

/**
 * @param {number} n
 * @param {string} noun
 */
const plural = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/**
 * Whether a version is a pre-release by its name.
 * @param {string} version
 */
const isPrerelease = (version) => version.split("+")[0].includes("-");

// The index: search and facets, in the URL.

const FACETS = ["category", "type", "subscription", "owner"];

/**
 * @typedef {object} Row
 * @property {HTMLElement} li
 * @property {string} text
 * @property {Record<string, string[]>} values
 * @property {boolean} pre
 * @property {HTMLAnchorElement} link
 * @property {string} version
 */

function index() {
  /** @type {HTMLFormElement} */
  const form = $("filters");
  /** @type {Row[]} */
  const rows = [...$("packages").children].map((li) => {
    const d = li.dataset;
    const link = li.querySelector(".version a");
    const text = [d.name, li.querySelector("h3").textContent, li.querySelector(".text").textContent].join(" ");
    const values = Object.fromEntries(FACETS.map((f) => [f, (d[f] ?? "").split(f === "category" ? " " : "\n")]));
    return { li, text: text.toLowerCase(), values, pre: "pre" in d, link, version: link.textContent };
  });
  /** @type {{of: string, offered: Map<string, string> | null}} what a Kibana is offered, by the registry */
  let kibana = { of: "", offered: null };
  /** @type {any} */
  const fields = form.elements;
  let asked = 0;

  const read = () => {
    const p = new URLSearchParams(location.search);
    for (const name of ["q", "kibana", ...FACETS]) {
      const want = p.get(name) ?? "";
      const field = fields.namedItem(name);
      if (field instanceof HTMLSelectElement && want && ![...field.options].some((o) => o.value === want)) {
        field.append(make("option", { value: want }, want));
      }
      field.value = want;
    }
    fields.namedItem("prerelease").checked = p.get("prerelease") === "true";
  };

  /** @returns {URLSearchParams} */
  const chosen = () => {
    const p = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "") p.set(name, String(value));
    return p;
  };

  const show = async () => {
    const p = chosen();
    const version = p.get("kibana") ?? "";
    const pre = p.get("prerelease") === "true";
    const key = `${version} ${pre}`;
    if (version && fields.namedItem("kibana").validity.valid) {
      if (kibana.of !== key) {
        const turn = ++asked;
        $("count").textContent = "Asking the registry…";
        const offered = await offer(version, pre);
        if (turn !== asked) return;
        kibana = { of: key, offered };
      }
    } else {
      asked++;
      kibana = { of: "", offered: null };
    }
    filter(p, pre);
  };

  /**
   * @param {URLSearchParams} p
   * @param {boolean} pre
   */
  const filter = (p, pre) => {
    const words = (p.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const { offered } = kibana;
    $("packages").classList.toggle("pre", pre || offered !== null);
    let shown = 0;
    /** @type {Record<string, Map<string, number>>} */
    const counts = Object.fromEntries(FACETS.map((f) => [f, new Map()]));
    for (const row of rows) {
      const name = row.li.dataset.name ?? "";
      const version = offered ? offered.get(name) : row.version;
      const base = version !== undefined && (offered || pre || !row.pre) && words.every((w) => row.text.includes(w));
      const misses = FACETS.filter((f) => p.get(f) && !row.values[f].includes(p.get(f) ?? ""));
      // A facet's counts are those of the rows that all others let through.
      if (base) {
        for (const f of FACETS) {
          if (misses.some((m) => m !== f)) continue;
          for (const v of row.values[f]) counts[f].set(v, (counts[f].get(v) ?? 0) + 1);
        }
      }
      const visible = base && misses.length === 0;
      row.li.hidden = !visible;
      if (visible) shown++;
      if (version !== undefined && row.link.textContent !== version) {
        row.link.textContent = version;
        row.link.href = `${name}/${encodeURIComponent(version)}/`;
      }
    }
    for (const f of FACETS) {
      for (const o of fields.namedItem(f).options) {
        if (o.value) o.textContent = `${o.textContent.replace(/ \(\d+\)$/, "")} (${counts[f].get(o.value) ?? 0})`;
      }
    }
    const forKibana = offered ? ` offered to Kibana ${p.get("kibana")}` : "";
    const failed = p.get("kibana") && !offered ? " The Kibana version is not one that the registry understands." : "";
    $("count").textContent = `${plural(shown, "package")}${forKibana}.${failed}`;
    $("empty").hidden = shown > 0;
  };

  /** @param {boolean} replace */
  const remember = (replace) => {
    const query = chosen().toString();
    const url = location.pathname + (query ? `?${query}` : "");
    if (url === location.pathname + location.search) return;
    history[replace ? "replaceState" : "pushState"](null, "", url);
  };

  let typing = 0;
  form.addEventListener("input", (e) => {
    const typed = e.target instanceof HTMLInputElement && e.target.type !== "checkbox";
    clearTimeout(typing);
    if (!typed) {
      remember(false);
      void show();
    } else {
      typing = window.setTimeout(() => {
        remember(true);
        void show();
      }, 60);
    }
  });
  form.addEventListener("submit", (e) => e.preventDefault());
  form.addEventListener("reset", () =>
    setTimeout(() => {
      remember(false);
      void show();
    }),
  );
  addEventListener("popstate", () => {
    read();
    void show();
  });
  addEventListener("keydown", (e) => {
    if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "")) {
      e.preventDefault();
      fields.namedItem("q").focus();
    }
  });
  read();
  void show();
}

/**
 * What a Kibana version is offered: the registry itself says so.
 * @param {string} version
 * @param {boolean} prerelease
 * @returns {Promise<Map<string, string> | null>} versions by names
 */
async function offer(version, prerelease) {
  const url = new URL("search", api);
  url.searchParams.set("kibana.version", version);
  if (prerelease) url.searchParams.set("prerelease", "true");
  try {
    const answer = await fetch(url);
    if (!answer.ok) return null;
    /** @type {{name: string, version: string}[]} */
    const found = await answer.json();
    return new Map(found.map((p) => [p.name, p.version]));
  } catch {
    return null;
  }
}

// A version's page: newer ones, and what can be copied.

async function version() {
  const code = $("curl");
  const command = `curl -O "${new URL(code.dataset.path, api)}"`;
  code.textContent = command;
  const button = $("copy");
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command);
    button.textContent = "Copied";
  });
  openTarget();
  addEventListener("hashchange", openTarget);
  const answer = await fetch(new URL("../versions.json", location.href)).catch(() => null);
  if (!answer?.ok) return;
  /** @type {{versions: {version: string, release?: string}[]}} */
  const { versions } = await answer.json();
  const here = decodeURIComponent(location.pathname.split("/").at(-2) ?? "");
  const stable = versions.filter((v) => !isPrerelease(v.version) && v.release !== "experimental");
  const newest = (stable.length > 0 ? stable : versions).at(-1);
  const at = versions.findIndex((v) => v.version === here);
  const menu = make("select", { id: "others" });
  for (const v of versions.toReversed()) menu.append(make("option", v.version === here ? { selected: "" } : {}, v.version));
  menu.addEventListener("change", () => {
    const value = /** @type {HTMLSelectElement} */ (menu).value;
    location.href = new URL(`../${encodeURIComponent(value)}/${location.hash}`, location.href).href;
  });
  const parts = [make("label", { for: "others" }, "Version"), menu];
  if (at > 0) {
    const query = new URLSearchParams({ from: versions[at - 1].version, to: here });
    parts.push(make("a", { href: `../?${query}` }, `Compare with ${versions[at - 1].version}`));
  }
  const slot = $("slot");
  slot.append(make("p", {}, ...parts));
  const newer = newest && at >= 0 && versions.indexOf(newest) > at;
  if (newer) {
    const link = make("a", { href: `../${encodeURIComponent(newest.version)}/` }, newest.version);
    slot.append(make("p", { id: "newer" }, "This is not the newest version: see ", link, "."));
  }
}

/** Opens what the address points into. */
function openTarget() {
  const target = location.hash.length > 1 ? $(decodeURIComponent(location.hash.slice(1))) : null;
  for (let e = target; e; e = e.parentElement) if (e instanceof HTMLDetailsElement) e.open = true;
  if (target?.closest("details")) target.scrollIntoView();
}

// A package's page: any two versions compared, by what their pages say.

function compare() {
  const form = $("compare");
  if (!form) return; // there is one version
  const run = async () => {
    const p = new URLSearchParams(location.search);
    const [from, to] = [p.get("from"), p.get("to")];
    const out = $("differences");
    out.classList.toggle("open", Boolean(from && to)); // so that nothing moves when they come
    if (!from || !to) {
      form.to.selectedIndex = 0;
      form.from.selectedIndex = 1;
      out.replaceChildren();
      return;
    }
    form.from.value = from;
    form.to.value = to;
    out.replaceChildren(make("p", {}, "Comparing…"));
    const [a, b] = await Promise.all([said(from), said(to)]);
    if (!a || !b) {
      out.replaceChildren(make("p", {}, `There is no version ${a ? to : from}.`));
      return;
    }
    const shown = [...a.keys()].map((kind) => difference(kind, a.get(kind) ?? new Map(), b.get(kind) ?? new Map())).filter(Boolean);
    const title = make("h2", {}, `From ${from} to ${to}`);
    if (shown.length === 0) out.replaceChildren(title, make("p", {}, "Nothing differs."));
    else out.replaceChildren(title, .../** @type {Node[]} */ (shown));
  };
  form.addEventListener("submit", (/** @type {Event} */ e) => {
    e.preventDefault();
    const query = new URLSearchParams({ from: form.from.value, to: form.to.value });
    history.pushState(null, "", `${location.pathname}?${query}`);
    void run();
  });
  addEventListener("popstate", () => void run());
  void run();
}

/**
 * What the page of a version says that can be compared; null if the page is missing.
 * @param {string} version
 * @returns {Promise<Map<string, Map<string, string>> | null>}
 */
async function said(version) {
  const answer = await fetch(new URL(`${encodeURIComponent(version)}/`, location.href)).catch(() => null);
  if (!answer?.ok) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const cells = (/** @type {Element} */ tr) => [...tr.children].map((c) => c.textContent?.trim() ?? "");
  /** @type {Map<string, string>} */
  const facts = new Map();
  for (const dt of page.querySelectorAll("#facts dt")) facts.set(dt.textContent ?? "", dt.nextElementSibling?.textContent ?? "");
  /** @type {Map<string, string>} */
  const fields = new Map();
  for (const s of page.querySelectorAll("[data-stream]")) {
    const name = s.getAttribute("data-stream");
    for (const tr of s.querySelectorAll("tbody tr")) {
      const [field, type] = cells(tr);
      fields.set(name ? `${name}: ${field}` : field, type);
    }
  }
  /** @type {Map<string, string>} */
  const variables = new Map();
  for (const g of page.querySelectorAll("[data-variables]")) {
    for (const tr of g.querySelectorAll("tr[data-key]")) {
      const [, type, , value] = cells(tr);
      variables.set(`${g.getAttribute("data-variables")?.trim()}: ${tr.getAttribute("data-key")}`, `${type} ${value}`.trim());
    }
  }
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const tr of page.querySelectorAll("#files tbody tr")) {
    const [path, size] = cells(tr);
    files.set(path, tr.getAttribute("data-sum") ?? size);
  }
  return new Map([["Facts", facts], ["Fields", fields], ["Variables", variables], ["Files", files]]);
}

/**
 * A section about what differs; null if nothing does.
 * @param {string} kind
 * @param {Map<string, string>} a
 * @param {Map<string, string>} b
 */
function difference(kind, a, b) {
  /** @type {HTMLElement[]} */
  const rows = [];
  const told = kind !== "Files"; // sums of files tell people nothing
  const row = (/** @type {string} */ what, /** @type {string} */ name, /** @type {string} */ before, /** @type {string} */ after) =>
    rows.push(make("tr", {}, make("td", {}, what), make("td", {}, make("code", {}, name)), make("td", {}, told ? before : ""), make("td", {}, told ? after : "")));
  for (const [name, value] of b) {
    const was = a.get(name);
    if (was === undefined) row("added", name, "", value);
    else if (was !== value) row("changed", name, was, value);
  }
  for (const [name, value] of a) if (!b.has(name)) row("removed", name, value, "");
  if (rows.length === 0) return null;
  const head = make("tr", {}, ...["What", "Name", "Before", "After"].map((t) => make("th", { scope: "col" }, t)));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return make("section", {}, make("h3", {}, `${kind}: ${plural(rows.length, "difference")}`), make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${kind} that differ` }, table));
}

switch (body.dataset.kind) {
  case "index":
    index();
    break;
  case "version":
    void version();
    break;
  case "package":
    compare();
    void arrivals();
    break;
  case "environment":
    void environment();
    break;
}
