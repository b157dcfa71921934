// Looks at a catalogue as people do: node check.cjs. What it needs is in the
// environment; it prints what is wrong, a line each.
//
//	BASE       the address of an environment
//	EXPORT     the address of an export of it, which follows no pointer
//	CHROMIUM   the browser
//	MODULES    node_modules with playwright-core, axe-core and html-validate
//	WHOLE      look at every kind of page on both devices; else at each on one of them
//	PICTURES   a folder for pictures of the pages; none if it is not set

const { readFileSync } = require("node:fs");
const modules = process.env.MODULES;
const { chromium } = require(`${modules}/playwright-core`);
const { HtmlValidate } = require(`${modules}/html-validate`);
const axe = readFileSync(`${modules}/axe-core/axe.min.js`, "utf8");
const base = process.env.BASE;
const exported = process.env.EXPORT;

let wrong = 0;
/** @param {boolean} ok @param {string} what @param {unknown} [got] */
function expect(ok, what, got) {
  if (ok) return;
  wrong++;
  console.log(what + (got === undefined ? "" : `: ${JSON.stringify(got)}`));
}

/** The kinds of pages, an example each. */
const KINDS = {
  index: "/catalog/",
  package: "/catalog/web_server/",
  compared: "/catalog/web_server/?from=1.0.0&to=2.0.0",
  version: "/catalog/web_server/2.0.0/",
  hostile: "/catalog/hostile/1.0.0/",
  environment: "/catalog/-/environment/",
  missing: "/catalog/web_server/9.9.9/",
};

/** Opens a context whose every page is watched. */
async function open(browser, options) {
  const context = await browser.newContext(options);
  await context.addInitScript(() => {
    globalThis.shift = 0;
    document.addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
    new PerformanceObserver((l) => l.getEntries().forEach((e) => (globalThis.shift += e.hadRecentInput ? 0 : e.value))).observe({ type: "layout-shift", buffered: true });
  });
  const page = await context.newPage();
  page.on("console", (m) => {
    // The browser says so of every page that is not there and of what a sandbox
    // keeps from running, also where that is meant.
    const where = m.location().url;
    const meant = (m.text().includes("status of 404") && where.includes("/9.9.9/")) || (m.text().startsWith("Blocked script execution") && where.endsWith("/img/evil.svg"));
    expect(!["error", "warning"].includes(m.type()) || meant, `console of ${page.url()}`, `${m.text()} ${m.location().url}`);
  });
  page.on("pageerror", (e) => expect(false, `script of ${page.url()}`, e.message));
  page.on("dialog", (d) => {
    expect(false, `dialog of ${page.url()}`, d.message());
    void d.dismiss();
  });
  page.on("request", (r) => expect(r.url().startsWith(base) || r.url().startsWith(exported) || r.url().startsWith("data:"), `request of ${page.url()} to elsewhere`, r.url()));
  return page;
}

/** Every kind of page, in both colour schemes, on a phone and on a desktop. */
async function look(browser) {
  const on = async ([scheme, width, height, device]) => {
    const page = await open(browser, { viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce" });
    const kinds = Object.entries(KINDS).filter((_, i) => process.env.WHOLE || (i % 2 === 0) === (device === "phone"));
    for (const [kind, path] of kinds) {
      await page.goto(base + path, { waitUntil: "networkidle" });
      const of = `${kind}, ${device}, ${scheme}`;
      expect((await page.locator("h1").count()) === 1, `${of}: headings of the first level`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${of}: wider than the screen`);
      // What two versions differ in is fetched after the first paint.
      if (kind !== "compared") expect((await page.evaluate(() => globalThis.shift)) < 0.02, `${of}: the layout shifts`, await page.evaluate(() => globalThis.shift));
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      for (const v of violations) expect(false, `${of}: axe: ${v.id}`, v.nodes.slice(0, 2).map((n) => n.html.slice(0, 160)));
    }
    await page.context().close();
  };
  await Promise.all([["light", 1280, 900, "desktop"], ["dark", 320, 640, "phone"]].map(on));
}

/** What an index, a version and a comparison do. */
async function use(browser) {
  const page = await open(browser, { viewport: { width: 1280, height: 900 } });
  const shown = () => page.locator("#packages > li:visible").evaluateAll((l) => l.map((e) => e.dataset.name));
  await page.goto(`${base}/catalog/`);
  await page.waitForFunction(() => /\d+ package/.test(document.querySelector("#count").textContent));
  const all = await shown();
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement.classList.contains("skip")), "the first stop of the keyboard is the skip link");
  await page.keyboard.press("/");
  expect(await page.evaluate(() => document.activeElement.id === "q"), "/ goes to the search box");
  await page.keyboard.type("web serv");
  await page.waitForURL(/q=web\+serv/);
  expect((await shown()).join() === "web_server", "search", await shown());
  await page.fill("#q", "no such thing");
  await page.waitForURL(/q=no/);
  expect(await page.locator("#empty").isVisible(), "nothing found says so");
  await page.goto(`${base}/catalog/`);
  await page.selectOption("#category", "web");
  await page.waitForURL(/category=web/);
  const web = await shown();
  expect(web.length > 0 && web.length < all.length, "a facet", web);
  await page.selectOption("#type", { index: 1 });
  await page.waitForURL(/type=/);
  await page.goBack();
  await page.waitForURL((u) => !u.search.includes("type="));
  expect((await page.inputValue("#type")) === "" && (await shown()).join() === web.join(), "the back button takes a facet back");
  await page.goto(`${base}/catalog/?category=web`);
  await page.waitForFunction(() => /\d+ package/.test(document.querySelector("#count").textContent));
  expect((await shown()).join() === web.join(), "a link to a view shows it");
  await page.goto(`${base}/catalog/?prerelease=true`);
  await page.waitForFunction(() => /\d+ package/.test(document.querySelector("#count").textContent));
  expect((await shown()).length > all.length, "pre-releases are shown when asked for");
  // What a Kibana is offered, as the registry says.
  await page.goto(`${base}/catalog/?kibana=8.5.0`);
  await page.waitForFunction(() => document.querySelector("#count").textContent.includes("offered"));
  const offered = await (await fetch(`${base}/search?kibana.version=8.5.0`)).json();
  const versions = await page.locator("#packages > li:visible").evaluateAll((l) => l.map((e) => `${e.dataset.name} ${e.querySelector(".version a").textContent}`));
  expect(versions.sort().join() === offered.map((p) => `${p.name} ${p.version}`).sort().join(), "what a Kibana is offered", versions);

  await page.click("#packages > li:visible h3 a");
  await page.waitForURL(/\/catalog\/[a-z_]+\/$/);
  expect(page.url().startsWith(base), "a card leads to its package", page.url());

  await page.goto(`${base}/catalog/web_server/1.0.0/`);
  await page.waitForSelector("#others");
  expect((await page.locator("#newer").innerText()).includes("2.0.0"), "an old version names the newest", await page.locator("#newer").innerText());
  expect((await page.locator("#curl").innerText()).includes(base), "the command names this registry");
  await page.selectOption("#others", "1.1.0");
  await page.waitForURL(/\/1\.1\.0\//);
  await page.goto(`${base}/catalog/web_server/`);
  await page.selectOption("#from", "1.0.0");
  await page.selectOption("#to", "2.0.0");
  await page.click("#compare button");
  await page.waitForSelector("#differences table");
  const told = await page.locator("#differences").innerText();
  expect(/From 1\.0\.0 to 2\.0\.0/.test(told) && /Kibana/.test(told) && /changed|added/.test(told), "two versions compared", told.slice(0, 300));
  await page.goBack();
  await page.waitForFunction(() => document.querySelector("#differences").children.length === 0);

  const feed = await page.evaluate(async () => {
    const xml = new DOMParser().parseFromString(await (await fetch("feed.xml")).text(), "application/xml");
    const need = ["id", "title", "updated"];
    const has = (e) => need.every((n) => e.querySelector(`:scope > ${n}`)?.textContent);
    const entries = [...xml.querySelectorAll("entry")];
    return { root: xml.documentElement.namespaceURI + " " + xml.documentElement.localName, whole: has(xml.documentElement) && entries.every(has), entries: entries.length };
  });
  expect(feed.root === "http://www.w3.org/2005/Atom feed" && feed.whole && feed.entries > 1, "the feed", feed);
  const updated = await page.evaluate(async () => new DOMParser().parseFromString(await (await fetch("../-/feed.xml")).text(), "application/xml").querySelector("feed > updated").textContent);
  const manifest = await (await fetch(`${base}/catalog/-/environment/`, { headers: { accept: "text/html" } })).text();
  const commits = [...manifest.matchAll(/<time datetime="([^"]*)"/g)].map((m) => m[1]).sort();
  expect(commits.length > 0 && updated === commits.at(-1), "the feed of the environment is as old as its newest commit", [updated, commits]);
  await page.context().close();

  const plain = await open(browser, { javaScriptEnabled: false });
  await plain.goto(`${base}/catalog/`);
  expect((await plain.locator("#packages > li").count()) >= all.length && (await plain.locator("#packages > li").first().isVisible()), "the index is whole without JavaScript");
  expect(!(await plain.locator("#filters").isVisible()), "what needs JavaScript is not shown without");
  await plain.click("#packages > li h3 a");
  await plain.click("#list > li h3 a");
  expect(await plain.locator("#readme").isVisible(), "a version is readable without JavaScript");
  await plain.context().close();
}

/** What was decided after the build is shown where the pointer is followed, and only there. */
async function decided(browser) {
  const page = await open(browser, { viewport: { width: 1280, height: 900 } });
  await page.goto(`${base}/catalog/-/environment/`);
  await page.waitForSelector("#moves table");
  const said = await page.locator("#live").innerText();
  expect(/^Held. Live since \d{4}-\d\d-\d\d \d\d:\d\d UTC, published/.test(said) && (await page.locator("#moves").innerText()).includes("Held by Ada <script>ran=70</script>, because: <img src=x onerror=ran=71> is looked at"), "who made it live", said);
  const moves = await page.locator("#moves tbody tr").evaluateAll((l) => l.map((tr) => tr.cells[1].textContent));
  expect(moves.join() === "pinned,published,published", "the moves", moves);
  const came = await page.locator("#moves .chips a").evaluateAll((l) => l.map((a) => `${a.textContent} ${a.href}`));
  expect(came.join() === `hostile 1.0.0 ${base}/catalog/hostile/1.0.0/`, "what came with it", came);
  await page.goto(`${base}/catalog/hostile/`, { waitUntil: "networkidle" });
  expect(/published here \d{4}/.test(await page.locator("#list").innerText()), "when a version came", await page.locator("#list").innerText());
  await page.goto(`${exported}/catalog/-/environment/`, { waitUntil: "networkidle" });
  expect(/regsnap history snapshot/.test(await page.locator("#live").innerText()) && (await page.locator("#moves").innerText()) === "", "an export does without");
  await page.context().close();
}

/** A package that means harm does none. */
async function harm(browser) {
  const page = await open(browser, { viewport: { width: 1280, height: 900 } });
  const globals = () => page.evaluate(() => [...Object.getOwnPropertyNames(globalThis), "of objects:", ...Object.getOwnPropertyNames(Object.prototype), "of the document:", ...Object.keys(document), document.cookie, globalThis.name].sort());
  await page.goto(`${base}/catalog/web_server/2.0.0/`, { waitUntil: "networkidle" });
  const usual = (await globals()).join();
  for (const path of ["/catalog/hostile/1.0.0/", "/catalog/hostile/", "/catalog/?q=hostile", "/catalog/-/environment/"]) {
    await page.goto(base + path, { waitUntil: "networkidle" });
    const found = await page.evaluate(() => ({
      ran: globalThis.ran ?? null,
      elements: [...document.querySelectorAll("script:not([integrity]), iframe, object, embed, form:not(.filters), base, meta[http-equiv], svg, math, style:not(head > style), video, audio")].map((e) => e.outerHTML),
      attributes: [...document.querySelectorAll("*")].flatMap((e) => [...e.attributes]).filter((a) => /^on|^style$|^formaction$|^srcdoc$/.test(a.name)).map((a) => a.name + a.value),
      links: [...document.querySelectorAll("a[href], img[src]")].map((e) => e.href ?? e.src).filter((h) => !/^(https?|mailto):/.test(h)),
      open: [...document.querySelectorAll("a[href]")].filter((a) => a.origin !== location.origin && a.rel !== "noopener nofollow").map((a) => a.outerHTML),
      pictures: [...document.querySelectorAll("img")].map((i) => i.src).filter((s) => new URL(s).origin !== location.origin),
    }));
    for (const [what, list] of Object.entries(found)) expect(list === null || list.length === 0, `${path}: ${what}`, list);
    const foreign = await page.evaluate(() => ({
      ids: [...document.querySelectorAll(".prose [id], .prose [name]")].filter((e) => !e.id.startsWith("user-content-") || e.hasAttribute("name")).map((e) => e.outerHTML.slice(0, 200)),
      twice: [...document.querySelectorAll("[id]")].filter((e) => document.getElementById(e.id) !== e).map((e) => e.id),
      // An address of the origin is one of the package's own files, or within the page.
      own: [...document.querySelectorAll(".prose a[href], .prose img[src]")].map((e) => e.getAttribute("href") ?? e.getAttribute("src"))
        .filter((to) => !/^(https?:|mailto:|#user-content-)/.test(to) && !new URL(to, location.href).pathname.startsWith("/package/hostile/1.0.0/")),
    }));
    for (const [what, list] of Object.entries(foreign)) expect(list.length === 0, `${path}: ${what}`, list);
    for (const a of await page.locator("main .prose a").all()) {
      const to = await a.getAttribute("href");
      if (to?.startsWith("#")) await a.click();
    }
    if (path.endsWith("/1.0.0/")) expect((await globals()).join() === usual, `${path}: globals`, (await globals()).filter((g) => !usual.split(",").includes(g)));
    expect((await page.evaluate(() => globalThis.ran)) === undefined, `${path}: something ran`);
  }
  // A file that is opened by itself is in a sandbox.
  await page.goto(`${base}/package/hostile/1.0.0/img/evil.svg`);
  expect((await page.evaluate(() => globalThis.ran)) === undefined && (await page.title()) !== "ran", "a file of a package runs");
  await page.context().close();
}

/** Every page is valid, and every link of the site leads somewhere. */
async function crawl() {
  const validator = new HtmlValidate(require("./html-validate.json"));
  const seen = new Set(["/catalog/"]);
  const ids = new Map();
  const anchors = [];
  let pages = 0;
  for (const path of seen) {
    const reply = await fetch(base + path, { headers: { accept: "text/html" } });
    const text = await reply.text();
    expect(reply.status === 200, `${path}: status ${reply.status}`);
    if (!reply.headers.get("content-type")?.startsWith("text/html") || !path.startsWith("/catalog/")) continue;
    pages++;
    const report = await validator.validateString(text);
    for (const m of report.results.flatMap((r) => r.messages)) expect(false, `${path}: html-validate: ${m.ruleId} in line ${m.line}`, m.message);
    ids.set(path, new Set([...text.matchAll(/ id="([^"]*)"/g)].map((m) => m[1])));
    for (const [, raw] of text.matchAll(/ (?:href|src)="([^"]*)"/g)) {
      const to = new URL(raw.replaceAll("&amp;", "&").replaceAll("&#43;", "+").replaceAll("&#39;", "'"), base + path);
      if (to.origin !== base) continue;
      if (to.hash) anchors.push([path, to.pathname, decodeURIComponent(to.hash.slice(1))]);
      // Documents of packages may link to files that the package does not have.
      seen.add(to.pathname);
    }
  }
  for (const [from, to, id] of anchors) expect(!ids.has(to) || ids.get(to).has(id), `${from}: link to ${to}#${id}`);
  return { pages, links: seen.size };
}

/** Pictures for the manual. */
async function picture(browser, folder) {
  for (const [device, viewport] of [["desktop", { width: 1280, height: 860 }], ["phone", { width: 390, height: 780 }]]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(browser, { viewport, colorScheme });
      for (const kind of ["index", "package", "compared", "version", "environment", "missing"]) {
        await page.goto(base + KINDS[kind], { waitUntil: "networkidle" });
        await page.screenshot({ path: `${folder}/${kind}-${device}-${colorScheme}.png` });
      }
      await page.context().close();
    }
  }
}

(async () => {
  let found;
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  try {
    // They wait for the network to be idle most of the time.
    const [crawled] = await Promise.all([crawl(), look(browser), use(browser), decided(browser), harm(browser)]);
    found = crawled;
    if (process.env.PICTURES) await picture(browser, process.env.PICTURES);
  } finally {
    await browser.close();
  }
  const { pages, links } = found;
  expect(pages > 10, "pages", pages);
  console.log(`${pages} pages, ${links} links, ${wrong} things wrong`);
  process.exitCode = wrong > 0 ? 1 : 0;
})();
