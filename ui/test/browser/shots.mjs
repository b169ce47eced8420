// `node test/browser/shots.mjs [FOLDER]`: photographs of every page in both themes, wide and phone, for a person to look at.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { zoo } from "../mock-server/zoo.mjs";
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
const good = [...world.promotions.values()].find((row) => row.stage === "staging" && row.label.endsWith("1.5.1"));
// As if somebody had pushed between the plan and the promotion.
const written = world.written.get(good.name);
world.views.get(good.name).planned = {
  digest: `${world.views.get(good.name).written.digest}-`,
  files: written.files.map((file) => ({ ...file, newBlob: "", diff: file.diff.replace("2.3.0", "2.2.9") })),
  truncated: false,
};
const failed = [...world.promotions.values()].find((row) => row.phase === "Failed");

const VIEWS = {
  pipeline: "/p/bank",
  plan: `/p/bank?plan=prod-eu&with=${f151.name}`,
  stage: "/p/bank?stage=e2e",
  freight: `/p/bank?freight=${f151.name}`,
  warehouse: "/p/bank?warehouse=images",
  promotion: `/p/bank?promotion=${failed.name}`,
  written: `/p/bank?promotion=${good.name}&shows=written`,
  downstream: `/p/bank?stage=staging&downstream=staging&with=${f151.name}`,
  resources: "/p/bank/resources/stages/prod-eu",
  where: "/p/bank/what-is-where",
  activity: "/p/bank/activity",
  settings: "/p/bank/settings",
};
const SIZES = [
  ["wide", { width: 1440, height: 800 }],
  ["phone", { width: 375, height: 812 }],
];
const only = process.argv[3]?.split(",");
for (const theme of ["light", "dark"]) {
  for (const [size, viewport] of SIZES) {
    const page = await set.signIn({ viewport, colorScheme: theme, reducedMotion: "reduce" });
    await page.waitForSelector("[data-nav]");
    for (const [name, path] of Object.entries(VIEWS)) {
      if (only && !only.includes(name)) continue;
      await page.goto(set.url + path);
      await page.waitForSelector("main section");
      await page.waitForLoadState("networkidle", { timeout: 400 }).catch(() => {});
      await page.screenshot({ path: `${folder}/${name}-${size}-${theme}.png` });
    }
    if (!only) {
      await page.goto(`${set.url}/p/bank`);
      await page.waitForSelector("[data-nav]");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("prod");
      await page.screenshot({ path: `${folder}/palette-${size}-${theme}.png` });
      await page.keyboard.press("Escape");
      await page.goto(`${set.url}/p/bank/resources/stages/e2e`);
      await page.locator(".cm-line", { hasText: "as: promote" }).click();
      await page.keyboard.press("End");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Backspace");
      await page.keyboard.type("- as: nothing");
      await page.keyboard.press("Control+Enter");
      await page.getByRole("list", { name: "errors" }).waitFor();
      await page.screenshot({ path: `${folder}/resource-error-${size}-${theme}.png` });
      await page.goto(`${set.url}/p/bank/settings`);
      await page.getByRole("button", { name: "Make a token…" }).click();
      await page.screenshot({ path: `${folder}/token-${size}-${theme}.png` });
      await page.keyboard.press("Escape");
      await page.screenshot({ path: `${folder}/settings-whole-${size}-${theme}.png`, fullPage: true });
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
      await page.screenshot({ path: `${folder}/keys-${size}-${theme}.png` });
      set.server.offers = { methods: ["password", "oidc"], oidc: { name: "Bank SSO" } };
      const stranger = await set.signIn({ user: null, viewport, colorScheme: theme });
      await stranger.waitForSelector("form");
      await stranger.screenshot({ path: `${folder}/sign-in-${size}-${theme}.png` });
      await page.goto(`${set.url}/p/bank?stage=prod-eu`);
      await page.waitForSelector("[data-panel]");
      await set.server.kill();
      await page.getByText("No connection since").waitFor();
      await page.screenshot({ path: `${folder}/lost-${size}-${theme}.png` });
      const seen = world.stages.get("prod-us");
      Object.assign(seen, { since: world.ago(0) });
      await set.server.start();
      await page.getByText("Connected again.").waitFor();
      await page.getByText("1 change").waitFor();
      await page.screenshot({ path: `${folder}/back-${size}-${theme}.png` });
      set.server.offers = { methods: ["password"], oidc: null };
      const eve = await set.signIn({ user: "eve", viewport, colorScheme: theme });
      await eve.waitForSelector("[data-nav]");
      await eve.screenshot({ path: `${folder}/eve-${size}-${theme}.png` });
    }
  }
}
if (!only || only.includes("zoo")) {
  const many = await begin(browser, { pace: 0.05, make: zoo });
  for (const theme of ["light", "dark"]) {
    for (const [size, viewport] of SIZES) {
      const page = await many.signIn({ viewport, colorScheme: theme, reducedMotion: "reduce" });
      await page.waitForSelector("[data-nav]");
      await page.waitForLoadState("networkidle", { timeout: 400 }).catch(() => {});
      await page.screenshot({ path: `${folder}/zoo-${size}-${theme}.png`, fullPage: true });
      await page.goto(`${many.url}/p/bank?warehouse=charts-and-git`);
      await page.waitForSelector("[data-panel]");
      await page.screenshot({ path: `${folder}/zoo-warehouse-${size}-${theme}.png` });
      const [, row] = [...many.world.promotions.values()];
      many.world.uncertain("qa");
      const asked = [...many.world.promotions.values()].find((one) => one.phase === "Uncertain") ?? row;
      await page.goto(`${many.url}/p/bank?promotion=${asked.name}`);
      await page.waitForSelector("[data-panel]");
      await page.waitForLoadState("networkidle", { timeout: 400 }).catch(() => {});
      await page.screenshot({ path: `${folder}/zoo-uncertain-${size}-${theme}.png` });
    }
  }
  set.faults.push(...many.faults);
  await many.end();
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
