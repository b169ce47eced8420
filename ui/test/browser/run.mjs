// `npm run e2e`: what people do on the page, in Chromium, against the mock server. `npm run e2e -- drag` runs those whose name has that word.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import assert from "node:assert/strict";
import { big } from "../mock-server/zoo.mjs";
import { begin, openBrowser } from "./browser.mjs";

const axe = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const stage = (page, name) => page.locator(`[data-kind="stage"][data-name="${name}"]`);
const card = (page, version) => page.locator(`[data-nav="freight"]`, { hasText: version }).first();
const has = (page, name, text) => stage(page, name).filter({ hasText: text }).first().waitFor({ timeout: 8_000 });
const onBoard = (page) => stage(page, "prod-us").waitFor();

const TESTS = {
  async "a one-time link signs in once, and is not left in the URL"({ signIn, url }) {
    const page = await signIn({ path: "/" });
    await onBoard(page);
    assert.equal(page.url(), `${url}/p/bank`);
    await page.goto("about:blank");
    await page.goto(`${url}/#link=link1`);
    await onBoard(page);
    const other = await signIn({ user: null, path: "/p/bank#link=link1" });
    await other.getByText("this link was used already").waitFor();
    await other.getByText("id in the log").waitFor();
    assert.equal(other.url(), `${url}/p/bank`);
    await other.getByLabel("User").fill("bob");
    await other.getByLabel("Password").fill("wrong");
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByText("no user of that name with that password").waitFor();
    await other.getByLabel("Password").fill("bob");
    await other.keyboard.press("Enter");
    await onBoard(other);
  },

  async "a pushed image appears without reload, after its freight and nothing else"({ signIn, world }) {
    const page = await signIn();
    const second = await signIn({ user: "eve" });
    await onBoard(page);
    await onBoard(second);
    await page.evaluate(() => {
      window.stays = true;
    });
    world.push("1.5.1");
    await card(page, "1.5.1").waitFor();
    await has(page, "staging", "1.5.1");
    await page.getByText("1 waits for you").waitFor();
    await has(second, "staging", "1.5.1");
    assert.equal(await page.evaluate(() => window.stays), true);
    world.push("1.5.2", true);
    await has(page, "e2e", "git has 1.5.2");
    await page.getByText("1 is stuck").waitFor();
    await page.getByRole("button", { name: "Why" }).click();
    await page.locator("[data-panel=stage]").getByText("smoke test answered 500").first().waitFor();
  },

  async "drag, plan, promote"({ signIn, world, server }) {
    const page = await signIn();
    await onBoard(page);
    world.push("1.5.1");
    await has(page, "staging", "1.5.1");
    await has(page, "prod-eu", "← 1.5.1");
    await card(page, "1.5.1").dragTo(stage(page, "prod-eu"));
    await page.getByText("prod-eu goes from 1.4.8 to 1.5.1").waitFor();
    await page.getByText("newTag: 1.5.1").waitFor();
    await page.getByRole("button", { name: "Promote prod-eu to 1.5.1" }).click();
    await page.locator("[data-panel=promotion]").getByText("promote::push", { exact: true }).waitFor();
    await has(page, "prod-eu", "unchecked");
    await has(page, "prod-us", "1.5.1");
    const asked = server.requests.filter((one) => one === "POST /seaway/v1/projects/bank/promotions");
    assert.equal(asked.length, 1);
    await page.locator("[data-panel=promotion]").getByText("succeeded").first().waitFor();
  },

  async "freight is taken only where it may go"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    await world.push("1.5.1");
    await card(page, "1.5.1").waitFor();
    await card(page, "1.5.1").dragTo(stage(page, "prod-us"));
    assert.equal(await page.locator("dialog").count(), 0);
  },

  async "promote by keyboard alone"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    await page.keyboard.press("j");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.name), "images");
    for (let n = 0; n < 4; n += 1) await page.keyboard.press("ArrowRight");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.name), "prod-eu");
    await page.keyboard.press("Enter");
    await page.locator("[data-panel=stage]").getByText("fund-transfer 1.5.0").first().waitFor();
    await page.keyboard.press("Escape");
    await page.locator("[data-panel]").waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.dataset.name), "prod-eu", "the focus is given back");
    await page.keyboard.press("p");
    await page.getByText("prod-eu goes from 1.4.8 to 1.5.0").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Promote prod-eu to 1.5.0");
    await page.keyboard.press("Enter");
    await has(page, "prod-eu", "1.5.0");
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("w");
    await page.getByRole("heading", { name: "What is where" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.getByRole("cell", { name: "PromotionSucceeded" }).first().waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("p");
    await onBoard(page);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("1.4.8");
    await page.getByRole("option", { name: /freight fund-transfer 1.4.8/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.keyboard.type("1.4");
    await page.waitForFunction(() => document.querySelectorAll("[data-nav=freight]").length === 1);
    assert.match(page.url(), /filter=1.4/);
    assert.equal(await page.locator("[class*=aside]").count(), 4, "stages without 1.4 step back");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    assert.ok(world.stages.get("prod-eu").has.endsWith("1.5.0"));
  },

  async "the branch moves under an open plan: it says which path, and promotes only what is shown"({ signIn, world, server }) {
    const page = await signIn();
    await onBoard(page);
    await page.getByRole("button", { name: "See plan" }).click();
    const promote = page.getByRole("button", { name: "Promote prod-eu to 1.5.0" });
    await promote.waitFor();
    world.branchMoves();
    await promote.click();
    await page.getByText("The branch moved while you read.").waitFor();
    await page.getByRole("alert").getByText("overlays/prod-eu/kustomization.yaml").waitFor();
    assert.equal(await promote.isDisabled(), true);
    assert.equal(world.stages.get("prod-eu").promotion, undefined);
    await page.getByRole("button", { name: "Show the new plan" }).click();
    await page.getByText("newTag: 1.4.8-hotfix2").waitFor();
    await promote.click();
    await has(page, "prod-eu", "1.5.0");
    assert.equal(server.requests.filter((one) => one.endsWith("/promotions") && one.startsWith("POST")).length, 2);
  },

  async "two people promote the same stage at once, and both are told the truth"({ signIn, server }) {
    const [one, two] = [await signIn(), await signIn()];
    for (const page of [one, two]) {
      await onBoard(page);
      await page.getByRole("button", { name: "See plan" }).click();
      await page.getByRole("button", { name: "Promote prod-eu to 1.5.0" }).waitFor();
    }
    server.problems.push({
      path: "/promotions",
      status: 409,
      type: "promotion-open",
      detail: "stage `prod-eu` already has prod-eu.0011, asked by alice",
      hint: "wait for it, or abort it",
    });
    await two.getByRole("button", { name: "Promote prod-eu to 1.5.0" }).click();
    await two.getByText("already has prod-eu.0011, asked by alice").waitFor();
    await two.getByText("wait for it, or abort it").waitFor();
    await one.getByRole("button", { name: "Promote prod-eu to 1.5.0" }).click();
    await one.locator("[data-panel=promotion]").waitFor();
  },

  async "the server is killed and comes back: said, disabled, recovered, and what was missed"({ signIn, world, server }) {
    const page = await signIn();
    await onBoard(page);
    await stage(page, "prod-eu").click();
    await page.locator("[data-panel=stage]").waitFor();
    await server.kill();
    await page.getByText(/No connection since \d\d:\d\d:\d\d/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Plan 1.5.0" }).isDisabled(), true);
    world.push("1.5.1");
    await page.screenshot({ path: process.env.LOST_SHOT ?? "/dev/null", type: "png" }).catch(() => {});
    await server.start();
    await page.getByText("Connected again.").waitFor();
    await page.getByText("new: fund-transfer 1.5.1").waitFor();
    await has(page, "staging", "1.5.1");
    assert.equal(await page.getByRole("button", { name: "Plan 1.5.1" }).isEnabled(), true);
  },

  async "eve has no button, and waits for a promoter"({ signIn }) {
    const page = await signIn({ user: "eve" });
    await onBoard(page);
    await page.getByText("1 waits for a promoter").waitFor();
    assert.equal(await page.getByRole("button", { name: /plan|promote/i }).count(), 0);
    await stage(page, "prod-eu").click();
    await page.locator("[data-panel=stage]").waitFor();
    assert.equal(await page.getByRole("button", { name: /plan|promote|look again/i }).count(), 0);
  },

  async "abort asks once more; approve opens a stage; settings sign out"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    world.pace = 20;
    const name = world.promote("qa", world.stages.get("prod-eu").hasFreight, "bob");
    await page.goto(`${page.url()}?promotion=${name}`);
    await page.getByRole("button", { name: "Abort" }).click();
    await page.getByText("What it pushed stays pushed. Abort?").waitFor();
    await page.getByRole("button", { name: "Abort" }).click();
    await page.locator("[data-panel=promotion]").getByText("aborted by bob").waitFor();
    await page.keyboard.press("Escape");
    await card(page, "1.5.0").click();
    await page.getByLabel("Let it in without its upstream").selectOption("prod-us");
    await page.getByRole("button", { name: "Approve for prod-us" }).click();
    await page.getByRole("button", { name: "Approve for prod-us" }).click();
    await page.getByText("approved for").waitFor();
    await page.getByRole("button", { name: "Plan prod-us" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByRole("heading", { name: "Settings" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Password").waitFor();
  },

  async "what nobody can be sure of is asked of a person; a hold is lifted"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    const name = world.uncertain("qa");
    await page.getByText("1 is stuck").waitFor();
    await page.goto(`${page.url()}?promotion=${name}`);
    await page.locator("[data-panel=promotion]").getByText("Look there, then say").waitFor();
    await page.getByRole("button", { name: "Repeat it" }).click();
    await page.getByText("It may then happen twice.").waitFor();
    await page.getByRole("button", { name: "Repeat it" }).click();
    await page.locator("[data-panel=promotion]").getByText("succeeded").first().waitFor();
    world.hold("qa");
    await has(page, "qa", "held");
    await stage(page, "qa").click();
    await page.getByRole("button", { name: "Resume" }).click();
    await has(page, "qa", "unchecked");
  },

  async "a session that ends asks to sign in, and goes on where it was"({ signIn, server }) {
    const page = await signIn({ path: "/p/bank?stage=e2e" });
    await page.locator("[data-panel=stage]").waitFor();
    server.sessions.clear();
    await server.kill();
    await server.start();
    await page.getByText("Your session has ended.").waitFor();
    await page.getByLabel("User").fill("bob");
    await page.getByLabel("Password").fill("bob");
    await page.keyboard.press("Enter");
    await page.locator("[data-panel=stage]").getByText("e2e").first().waitFor();
    assert.match(page.url(), /stage=e2e/);
  },

  async "errors carry the server's words: no such project, no such promotion, a refused action"({ signIn, server, url }) {
    const page = await signIn();
    await onBoard(page);
    await page.goto(`${url}/p/nope`);
    await page.getByText("no project nope").waitFor();
    await page.goto(`${url}/p/bank?promotion=gone`);
    await page.getByText("no promotion gone").waitFor();
    await page.goto(`${url}/p/bank?warehouse=images`);
    server.problems.push({
      path: "/refresh",
      status: 429,
      type: "too-many",
      detail: "asked 10 times in a minute",
      hint: "ask again in 41 s",
    });
    await page.getByRole("button", { name: "Look now" }).click();
    await page.getByText("ask again in 41 s").waitFor();
    await page.getByText("id in the log").waitFor();
  },

  async "activity is filtered in the URL, and saved whole as CSV"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    for (let n = 0; n < 120; n += 1) world.record("alice", "FreightApproved", "Freight", "f".repeat(40), `row ${n}`);
    await page.goto(`${page.url()}/activity?actor=alice`);
    await page.getByRole("row").nth(50).waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    const lines = readFileSync(await file.path(), "utf8")
      .trim()
      .split("\r\n");
    assert.equal(lines.length, 121);
    await page.getByLabel("only this kind").selectOption("Stage");
    await page.getByText("Nothing that matches these filters.").waitFor();
    assert.match(page.url(), /actor=alice.*kind=Stage|kind=Stage.*actor=alice/);
  },

  async "on a phone: one column, nothing sticks out, a plan can be read and promoted"({ signIn }) {
    const page = await signIn({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await onBoard(page);
    for (const path of ["", "/what-is-where", "/activity", "/settings"]) {
      await page.goto(page.url().replace(/\/p\/bank.*/, `/p/bank${path}`));
      await page.waitForSelector("main section, main ul");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} sticks out`);
    }
    await page.goto(page.url().replace(/\/p\/bank.*/, "/p/bank"));
    await page.getByRole("button", { name: "Plan 1.5.0" }).click();
    await page.getByRole("button", { name: "Promote prod-eu to 1.5.0" }).click();
    await has(page, "prod-eu", "unchecked");
  },

  async "axe finds nothing serious, in both themes, wide and phone"({ signIn, world }) {
    const [freight] = world.freight.keys();
    const [promotion] = world.promotions.keys();
    const paths = [
      "",
      "/what-is-where",
      "/activity",
      "/settings",
      "?stage=prod-eu",
      `?freight=${freight}`,
      "?warehouse=images",
      `?promotion=${promotion}`,
      `?plan=prod-eu&with=${[...world.freight.keys()][1]}`,
    ];
    for (const options of [{ colorScheme: "light" }, { colorScheme: "dark", viewport: { width: 390, height: 844 } }]) {
      const page = await signIn(options);
      await onBoard(page);
      const home = page.url();
      for (const path of [...paths, null]) {
        if (path === null) {
          await page.context().clearCookies();
          await page.goto(home);
          await page.waitForSelector("form");
        } else {
          await page.goto(home + path);
          await page.waitForSelector("[data-nav], main h1");
          await page.waitForLoadState("networkidle", { timeout: 300 }).catch(() => {});
        }
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        const serious = violations.filter((one) => ["serious", "critical"].includes(one.impact));
        assert.deepEqual(
          serious.map((one) => `${path} ${options.colorScheme}: ${one.id} ${one.nodes[0].html} ${one.nodes[0].failureSummary}`),
          [],
        );
      }
    }
  },

  async "in a big world (500 stages, 5,000 freight) it is drawn fast, and one change touches its own node only"({ signIn, world }) {
    const page = await signIn({
      watch: () => {
        const look = () => {
          const n = document.querySelectorAll("[data-nav=stages]").length;
          if (n >= 501) window.drawnAt ??= performance.now();
          else requestAnimationFrame(look);
        };
        look();
      },
    });
    await page.waitForFunction(() => window.drawnAt !== undefined);
    const ms = await page.evaluate(
      () => window.drawnAt - performance.getEntriesByType("resource").find((one) => one.name.endsWith("/board")).responseEnd,
    );
    await page.evaluate(() => {
      window.touched = new Set();
      new MutationObserver((all) => {
        for (const one of all) {
          const element = one.target.nodeType === 1 ? one.target : one.target.parentElement;
          if (!element.closest("time")) window.touched.add(element.closest("[data-name]")?.dataset.name ?? element.className);
        }
      }).observe(document.querySelector(".react-flow"), { subtree: true, childList: true, characterData: true, attributes: true });
    });
    const view = world.stages.get("team3-e2e");
    world.changed({ stages: [{ ...view, state: "failed", waitsFor: "smoke test answered 500" }] });
    await has(page, "team3-e2e", "smoke test");
    const touched = await page.evaluate(() => [...window.touched]);
    console.log(`        drawn ${Math.round(ms)} ms after its data; touched by one change: ${touched.join(" | ")}`);
    assert.ok(ms < 2_500, `${ms} ms`);
    assert.ok(
      touched.every((name) => name === "team3-e2e" || /_node_/.test(name)),
      touched.join(" | "),
    );
    for (let n = 0; n < 12; n += 1) await page.keyboard.press("j");
    // What has the focus is seen.
    await page.waitForFunction(() => {
      const { left, right, top, bottom } = document.activeElement.getBoundingClientRect();
      const frame = document.querySelector(".react-flow").getBoundingClientRect();
      return left >= frame.left && right <= frame.right && top >= frame.top && bottom <= frame.bottom;
    });
  },

  async "in a big world 10,000 updates leave the heap as it was"({ signIn, world }) {
    const page = await signIn();
    await stage(page, "team0-qa").waitFor();
    const devtools = await page.context().newCDPSession(page);
    const heap = async () => {
      await devtools.send("HeapProfiler.collectGarbage");
      return (await devtools.send("Runtime.getHeapUsage")).usedSize;
    };
    const update = async (n) => {
      for (let at = 0; at < n; at += 1) {
        const view = world.stages.get(`team${at % 100}-e2e`);
        world.changed({ stages: [{ ...view, state: at % 2 ? "failed" : "promoting", waitsFor: `update ${at}` }] });
        if (at % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await has(page, `team${(n - 1) % 100}-e2e`, `update ${n - 1}`);
    };
    await update(1_000);
    const before = await heap();
    await update(10_000);
    const after = await heap();
    console.log(`        heap ${(before / 1e6).toFixed(1)} MB, after 10,000 updates ${(after / 1e6).toFixed(1)} MB`);
    assert.ok(after < before * 1.1 + 2e6);
  },

  async "the first load is small, and from here only"({ signIn }) {
    const page = await signIn();
    await onBoard(page);
    const files = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .map((one) => new URL(one.name).pathname)
        .filter((path) => path.startsWith("/assets/")),
    );
    const dist = new URL("../../dist/", import.meta.url);
    const bytes = [...new Set(files), "/index.html"].reduce(
      (sum, path) => sum + gzipSync(readFileSync(new URL(`.${path}`, dist))).length,
      0,
    );
    console.log(`        first load: ${bytes} bytes gzipped in ${files.length + 1} files`);
    assert.ok(bytes <= 300_000);
  },

  async "the theme is the system's until one is chosen; t shows the instants themselves"({ signIn }) {
    const page = await signIn({ colorScheme: "dark" });
    await onBoard(page);
    const isTheme = (theme) => page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
    await isTheme("dark");
    await page.emulateMedia({ colorScheme: "light" });
    await isTheme("light");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("theme");
    await page.keyboard.press("Enter");
    await isTheme("dark");
    await page.reload();
    await onBoard(page);
    await isTheme("dark");
    await page.keyboard.press("t");
    await stage(page, "qa")
      .filter({ hasText: /\d\d:\d\d:\d\d/ })
      .waitFor();
  },
};

/** Other worlds than the bank. */
const WORLDS = { big };

const words = process.argv.slice(2);
const browser = await openBrowser();
let failed = 0;
for (const [name, test] of Object.entries(TESTS)) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
  const set = await begin(browser, { make: WORLDS[/^in a (\w+) world/.exec(name)?.[1]] });
  const from = Date.now();
  try {
    await test(set);
    assert.deepEqual(set.faults, []);
    console.log(`ok      ${name} (${Date.now() - from} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${String(error.stack).slice(0, 2_500)}\n${set.faults.join("\n")}`);
  } finally {
    await set.end();
  }
}
await browser.close();
process.exit(failed === 0 ? 0 : 1);
