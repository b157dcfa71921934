// Measures when a page shows something on a slow telephone: node paint.cjs. It prints
// an object for each line of NETWORKS, as JSON.
//
//	URL        the page
//	CHROMIUM   the browser
//	MODULES    node_modules with playwright-core
//	NETWORKS   as JSON: objects with latency (ms of each request) and down (bytes/s)
//	ROUNDS     how often each is measured, in a browser that has nothing yet

const { chromium } = require(`${process.env.MODULES}/playwright-core`);

/** @param {number[]} of */
const median = (of) => of.toSorted((a, b) => a - b)[of.length >> 1];

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  for (const network of JSON.parse(process.env.NETWORKS)) {
    /** @type {Record<string, number[]>} */
    const all = {};
    for (let i = 0; i < Number(process.env.ROUNDS); i++) {
      const context = await browser.newContext({ viewport: { width: 360, height: 640 } });
      const page = await context.newPage();
      const devtools = await context.newCDPSession(page);
      await devtools.send("Network.enable");
      await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: network.latency, downloadThroughput: network.down, uploadThroughput: network.down / 2 });
      await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
      await context.addInitScript(() => {
        globalThis.longest = 0;
        new PerformanceObserver((l) => l.getEntries().forEach((e) => (globalThis.longest = Math.max(globalThis.longest, e.duration)))).observe({ type: "longtask", buffered: true });
      });
      await page.goto(process.env.URL, { waitUntil: "load" });
      await page.waitForFunction(() => /\d/.test(document.querySelector("#count").textContent));
      const took = await page.evaluate(
        () =>
          new Promise((done) => {
            new PerformanceObserver((l) => {
              const paint = l.getEntriesByName("first-contentful-paint")[0];
              if (!paint) return;
              const [n] = performance.getEntriesByType("navigation");
              done({ paint: paint.startTime, ready: n.domContentLoadedEventEnd, longest: globalThis.longest, encoded: n.encodedBodySize });
            }).observe({ type: "paint", buffered: true });
          }),
      );
      for (const [name, value] of Object.entries(took)) (all[name] ??= []).push(value);
      await context.close();
    }
    console.log(JSON.stringify(Object.fromEntries(Object.entries(all).map(([name, values]) => [name, median(values)]))));
  }
  await browser.close();
})();
