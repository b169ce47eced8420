// What waits, what moves: plan, promote, approve, abort, resolve.
import assert from "node:assert/strict";
import { card, has, onBoard, stage } from "../on-page.mjs";

export default {
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
    const said = page.getByRole("status").filter({ hasText: "prod-us does not take fund-transfer 1.5.1 now" });
    await said.getByText("fund-transfer 1.5.1 is not verified in prod-eu").waitFor();
    assert.equal(await page.locator("dialog").count(), 0);
    await page.keyboard.press("Escape");
    await said.waitFor({ state: "detached" });
    await card(page, "1.5.1").click();
    await page.locator("[data-panel=freight]").waitFor();
    await stage(page, "qa").focus();
    await page.keyboard.press("p");
    await page.getByRole("status").filter({ hasText: "qa does not take fund-transfer 1.5.1 now: it is there already." }).waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await said.waitFor({ state: "detached" });
    await has(page, "prod-eu", "← 1.5.1");
    await stage(page, "prod-eu").focus();
    await page.keyboard.press("p");
    await page.getByText("prod-eu goes from 1.4.8 to 1.5.1").waitFor();
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

  async "what was planned stands beside what was written, and a step's outputs can be copied"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    await page.getByRole("button", { name: "See plan" }).click();
    await page.getByRole("button", { name: "Promote prod-eu to 1.5.0" }).click();
    const panel = page.locator("[data-panel=promotion]");
    await panel.getByText("equal to the plan").waitFor();
    await panel
      .getByRole("button", { name: /copy commit/ })
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Show both, side by side" }).click();
    const both = page.getByRole("dialog");
    await both.getByText("What was written is equal to the plan.").waitFor();
    assert.equal(await both.getByText("newTag: 1.5.0").count(), 2);
    await page.waitForFunction(() => document.activeElement.getAttribute("aria-label")?.startsWith("difference of planned"));
    assert.match(page.url(), /shows=written/);
    await page.keyboard.press("Escape");
    await both.waitFor({ state: "detached" });
    const name = new URL(page.url()).searchParams.get("promotion");
    const told = world.written.get(name);
    const other = { newBlob: "other", diff: told.files[0].diff.replace("1.5.0", "1.5.0-b") };
    world.written.set(name, { ...told, files: told.files.map((file) => ({ ...file, ...other })) });
    await page.reload();
    await panel.getByText("not what was planned: 1 file differs").waitFor();
    world.written.set(name, {
      files: [],
      truncated: false,
      unknown: ["What commit 12345678 on main changed is not told: it was deleted."],
    });
    await page.reload();
    await panel.getByText("it was deleted").waitFor();
    await panel.getByText("equal to the plan").waitFor();
    await page.getByRole("button", { name: "Show both, side by side" }).click();
    await both.getByText("git does not tell").waitFor();
  },

  async "promote downstream: each plan is shown, then one button asks for all"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    await stage(page, "staging").click();
    await page.getByRole("button", { name: "Plan downstream" }).click();
    await page.getByText("prod-eu goes from 1.4.8 to 1.5.0").waitFor();
    await page.waitForFunction(() => document.activeElement.textContent === "Promote 1 stage to 1.5.0");
    await page.keyboard.press("Enter");
    await page.getByText("asked:").waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await has(page, "prod-eu", "1.5.0");
    assert.ok(world.stages.get("prod-eu").promotion || world.stages.get("prod-eu").has.endsWith("1.5.0"));
  },

  async "freight says how it differs from other freight: versions, commits, links; and where it was"({ signIn, world }) {
    const page = await signIn();
    await onBoard(page);
    await card(page, "1.5.0").click();
    const panel = page.locator("[data-panel=freight]");
    await panel.getByText("a fee that rounds down is rounded half to even").waitFor();
    assert.match(await panel.getByRole("link", { name: "whole difference" }).getAttribute("href"), /compare\/1\.4\.8\.\.\.1\.5\.0$/);
    await world.push("1.5.1");
    await card(page, "1.5.1").waitFor();
    await panel.getByLabel("from").selectOption({ index: 0 });
    assert.match(page.url(), /against=/);
    await card(page, "1.4.8").click();
    await panel.getByText("was in").waitFor({ state: "detached" });
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
    await page.getByLabel("Password", { exact: true }).waitFor();
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
};
