// `node test/browser/shots.mjs [FOLDER]`: photographs of every page in both themes, wide and phone, for a person to look at.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { begin, openBrowser } from "./browser.mjs";

const folder = process.argv[2] ?? fileURLToPath(new URL("./shots/", import.meta.url));
mkdirSync(folder, { recursive: true });
const browser = await openBrowser();
const set = await begin(browser, { pace: 0.05 });
const { world } = set;
world.push("1.5.1");
await until(() => world.stages.get("staging").has.endsWith("1.5.1"));
world.push("1.5.2", true);
await until(() => world.stages.get("e2e").state === "failed");
const f151 = [...world.freight.values()].find((one) => one.version === "1.5.1");
const failed = [...world.promotions.values()].find((row) => row.phase === "Failed");

const VIEWS = {
  pipeline: "/p/bank",
  plan: `/p/bank?plan=prod-eu&with=${f151.name}`,
  stage: "/p/bank?stage=e2e",
  freight: `/p/bank?freight=${f151.name}`,
  warehouse: "/p/bank?warehouse=images",
  promotion: `/p/bank?promotion=${failed.name}`,
  where: "/p/bank/what-is-where",
  activity: "/p/bank/activity",
  settings: "/p/bank/settings",
};
const only = process.argv[3]?.split(",");
for (const theme of ["light", "dark"]) {
  for (const [size, viewport] of [
    ["wide", { width: 1440, height: 800 }],
    ["phone", { width: 390, height: 844 }],
  ]) {
    const page = await set.signIn({ viewport, colorScheme: theme, reducedMotion: "reduce" });
    await page.waitForSelector("[data-nav]");
    for (const [name, path] of Object.entries(VIEWS)) {
      if (only && !only.includes(name)) continue;
      await page.goto(set.url + path);
      await page.waitForSelector("[data-nav], section h1");
      await page.waitForLoadState("networkidle", { timeout: 400 }).catch(() => {});
      await page.screenshot({ path: `${folder}/${name}-${size}-${theme}.png` });
    }
    if (!only) {
      await page.goto(`${set.url}/p/bank`);
      await page.waitForSelector("[data-nav]");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("prod");
      await page.screenshot({ path: `${folder}/palette-${size}-${theme}.png` });
      const stranger = await set.signIn({ user: null, viewport, colorScheme: theme });
      await stranger.waitForSelector("form");
      await stranger.screenshot({ path: `${folder}/sign-in-${size}-${theme}.png` });
      const eve = await set.signIn({ user: "eve", viewport, colorScheme: theme });
      await eve.waitForSelector("[data-nav]");
      await eve.screenshot({ path: `${folder}/eve-${size}-${theme}.png` });
    }
  }
}
console.log(set.faults.length === 0 ? "no faults" : [...new Set(set.faults)].join("\n"));
await set.end();
await browser.close();

async function until(holds) {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > 400) throw new Error("the mock's world does not get there");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
