// The page itself: its words in trouble, phone, both themes, size, speed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { card, has, onBoard, stage } from "../on-page.mjs";

const axe = readFileSync(new URL("../../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

export default {
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

  async "eve has no button, and waits for a promoter"({ signIn, world }) {
    const page = await signIn({ user: "eve" });
    await onBoard(page);
    await page.getByText("1 waits for a promoter").waitFor();
    assert.equal(await page.getByRole("button", { name: /plan|promote/i }).count(), 0);
    await stage(page, "prod-eu").click();
    await page.locator("[data-panel=stage]").waitFor();
    assert.equal(await page.getByRole("button", { name: /plan|promote|look again/i }).count(), 0);
    await page.keyboard.press("p");
    await page.getByRole("status").getByText("prod-eu waits for a promoter: you may not promote to prod-eu.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("prod-eu waits for a promoter: you").waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await page.locator("[data-panel=stage]").waitFor({ state: "detached" });
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("p");
    await page.getByRole("status").getByText("you may not promote to any stage of bank").waitFor();
    assert.equal(await page.locator("dialog").count(), 0);
    await page.keyboard.press("?");
    const keys = page.getByRole("dialog", { name: "Keys" });
    await keys.getByText("why does it not move").waitFor();
    assert.equal(await keys.getByText("plan: what would be promoted").count(), 0);
    const { nextFreight } = world.stages.get("prod-eu");
    await page.goto(page.url().replace(/[?#].*|$/, `?plan=prod-eu&with=${nextFreight}`));
    await page.getByRole("dialog").getByText("waits for a promoter: you may not promote to prod-eu").waitFor();
    assert.equal(await page.getByRole("button", { name: "Plan again" }).count(), 0);
  },

  async "errors carry the server's words: no such project, no such promotion, a refused action"({ signIn, server, url }) {
    const page = await signIn();
    await onBoard(page);
    await page.goto(`${url}/p/nope`);
    await page.getByText("no project nope").waitFor();
    await page.goto(`${url}/p/bank?promotion=gone`);
    await page.getByText("There is no promotion gone in bank, or not any more.").waitFor();
    assert.equal(
      await page
        .locator("[data-panel=promotion]")
        .getByText(/-p |seaway /)
        .count(),
      0,
    );
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

  async "what is where names the version that failed beside the one that is there"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    world.push("1.5.2", true);
    await stage(page, "e2e").getByText("git has 1.5.2").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("w");
    const cells = page.getByRole("region", { name: "services by stages of bank" }).locator("[data-name=e2e]");
    await cells.filter({ hasText: "git has 1.5.2" }).waitFor();
    const [accounts, transfers] = await cells.allTextContents();
    assert.match(transfers, /^1\.5\.[01]1\.5\.2\s*failed.*git has 1\.5\.2$/);
    assert.match(accounts, /^2\.3\.0fund-transfer 1\.5\.2\s*failed/);
    assert.doesNotMatch(accounts, /git has/);
  },

  async "a look that is past due is due, and has no time that is over"({ signIn, world }) {
    world.warehouses.get("images").nextLookAt = world.ago(90);
    const page = await signIn({ path: "/p/bank?warehouse=images" });
    await page.locator("[data-panel=warehouse]").getByText("next look is due").waitFor();
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
    const who = page.getByLabel("only what this person did");
    await page.getByLabel("only this kind").selectOption("Freight");
    await who.fill("bo");
    await page.waitForURL(/actor=bo(&|$)/);
    await page.getByText("Nothing that matches these filters.").waitFor();
    await who.fill("ali");
    await page.getByRole("row", { name: /alice/ }).first().waitFor();
    await page.waitForURL(/actor=ali(&|$)/);
    await page.getByLabel("only this kind").selectOption("Stage");
    await page.getByLabel("only this time").selectOption("between…");
    await page.getByLabel("until").fill("2020-01-01T00:00");
    await page.waitForURL(/until=20(19|20)-/);
    assert.match(page.url(), /actor=ali&.*kind=Stage|kind=Stage.*actor=ali(&|$)/);
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
    const written = world.promote("staging", [...world.freight.keys()][1], "bob", "v1:x");
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
      `?stage=staging&downstream=staging&with=${[...world.freight.keys()][1]}`,
      `?promotion=${written}&shows=written`,
      "/resources/stages/qa",
      "/resources/roles",
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
          await page.waitForSelector("main section", { state: "attached" });
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

  async "a hidden tab rests after a while, and has missed nothing when somebody looks"({ signIn, world, server }) {
    const page = await signIn({
      watch: () => {
        // As if the tab were hidden, and a minute were a moment.
        let hidden = false;
        Object.defineProperty(document, "hidden", { get: () => hidden });
        window.hide = (is) => {
          hidden = is;
          document.dispatchEvent(new Event("visibilitychange"));
        };
        const wait = window.setTimeout;
        window.setTimeout = (act, ms, ...rest) => wait(act, ms === 60_000 ? 50 : ms, ...rest);
      },
    });
    await onBoard(page);
    await page.getByText("1 waits for you").waitFor();
    await page.evaluate(() => window.hide(true));
    for (let tries = 0; world.listeners.size > 0; tries += 1) {
      assert.ok(tries < 200, "the stream was not closed");
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const n = server.requests.length;
    world.push("1.5.1");
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal(server.requests.length, n, "a hidden tab asks nothing");
    await page.evaluate(() => window.hide(false));
    await card(page, "1.5.1").waitFor();
    assert.equal(await page.getByText("Connected again.").count(), 0);
  },

  async "the palette finds promotions and other projects, by the server's search"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("claims");
    await page.getByRole("option", { name: /prod-eu claims 7.2.0 verified in insurance/ }).waitFor();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("promotion into staging");
    await page.getByRole("option", { name: /promotion fund-transfer 1.5.0 into staging/ }).click();
    await page.locator("[data-panel=promotion]").getByText("promote::push", { exact: true }).waitFor();
    assert.ok(world.promotions.size > 0);
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
    const dist = new URL("../../../dist/", import.meta.url);
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
      .filter({ hasText: /\d\d:\d\d/ })
      .waitFor();
  },
};
