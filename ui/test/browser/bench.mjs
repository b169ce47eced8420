// `npm run bench`: the built page with 500 stages and 5,000 freight, against the mock; prints its figures as one line of JSON.
import { big } from "../mock-server/zoo.mjs";
import { begin, openBrowser } from "./browser.mjs";
import { watchRenders } from "./renders.mjs";

const UPDATES = 10_000;
const ROUNDS = 5;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Notes when the first frame that shows the pipeline was painted. */
function watchPaint() {
  const look = () => {
    if (document.querySelector("[data-nav=stages]")) requestAnimationFrame(() => (window.paintedAt ??= performance.now()));
    else requestAnimationFrame(look);
  };
  look();
}

async function firstPaint(set) {
  const page = await set.signIn({ watch: watchPaint });
  await page.waitForFunction(() => window.paintedAt !== undefined);
  const ms = await page.evaluate(
    () => window.paintedAt - performance.getEntriesByType("resource").find((one) => one.name.endsWith("/board")).responseEnd,
  );
  await page.close();
  return ms;
}

async function rendersOfOneUpdate(set) {
  const page = await set.signIn({ watch: watchRenders });
  await page.waitForFunction((n) => document.querySelectorAll("[data-nav=stages]").length > n, set.world.stages.size);
  await page.evaluate(() => window.takeRenders());
  const view = set.world.stages.get("team3-e2e");
  set.world.changed({ stages: [{ ...view, state: "failed", waitsFor: "smoke test answered 500" }] });
  await page.locator('[data-name="team3-e2e"]', { hasText: "smoke test" }).first().waitFor();
  const nodes = await page.evaluate(() => window.takeRenders());
  await page.close();
  return nodes;
}

async function heapOfManyUpdates(set) {
  const page = await set.signIn();
  await page.locator('[data-name="team0-e2e"]').first().waitFor();
  const devtools = await page.context().newCDPSession(page);
  const heap = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    return (await devtools.send("Runtime.getHeapUsage")).usedSize;
  };
  const update = async (n) => {
    for (let at = 0; at < n; at += 1) {
      const view = set.world.stages.get(`team${at % 100}-e2e`);
      set.world.changed({ stages: [{ ...view, state: at % 2 ? "failed" : "promoting", waitsFor: `update ${at}` }] });
      if (at % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // A last one, to a node that is seen, says that all before it were read.
    set.world.changed({ stages: [{ ...set.world.stages.get("team0-e2e"), waitsFor: `after ${n}` }] });
    await page
      .locator('[data-name="team0-e2e"]', { hasText: `after ${n}` })
      .first()
      .waitFor();
  };
  await update(1_000);
  const before = await heap();
  await update(UPDATES);
  const after = await heap();
  await page.close();
  return { before, after };
}

const browser = await openBrowser();
const set = await begin(browser, { make: big });
try {
  const paints = [];
  for (let round = 0; round < ROUNDS; round += 1) paints.push(await firstPaint(set));
  const renders = await rendersOfOneUpdate(set);
  const heap = await heapOfManyUpdates(set);
  if (set.faults.length > 0) throw new Error(set.faults.join("\n"));
  console.log(
    JSON.stringify({
      stages: set.world.stages.size,
      freight: set.world.freight.size,
      firstPaintMs: Math.round(median(paints)),
      firstPaintMsMax: Math.round(Math.max(...paints)),
      rendersPerUpdate: renders.length,
      rendered: renders,
      updates: UPDATES,
      heapBefore: heap.before,
      heapAfter: heap.after,
    }),
  );
} finally {
  await set.end();
  await browser.close();
}
