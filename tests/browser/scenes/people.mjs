// Several people at once, and who may what.
import assert from "node:assert/strict";
import { card, has, onBoard, stage } from "../../../ui/test/browser/on-page.mjs";

export default {
  async "eve has no button, and the API refuses her by the name of the right she lacks"({ signIn, demo }) {
    const page = await signIn({ user: "eve" });
    await onBoard(page);
    await page
      .getByText(/waits for a promoter/)
      .first()
      .waitFor();
    await stage(page, "prod-eu").click();
    await page.locator("[data-panel=stage]").waitFor();
    assert.equal(await page.getByRole("button", { name: /^(plan|promote|look again|approve)/i }).count(), 0);
    const authorization = `Bearer ${await demo.tokenOf("eve")}`;
    const headers = { authorization, "content-type": "application/json", "idempotency-key": "eve-1" };
    const freight = JSON.parse(await demo.seaway("get", "freight", "-o", "json")).items[0].metadata.name;
    const refused = await demo.ask("POST", "/projects/bank/promotions", { stage: "prod-eu", freight }, headers);
    assert.equal(refused.status, 403, refused.text);
    const problem = JSON.parse(refused.text);
    assert.match(problem.type, /not-authorised$/);
    assert.match(problem.detail, /promote/);
    assert.ok(problem.id);
  },

  async "alice promotes up to staging and not beyond"({ signIn, demo }) {
    const page = await signIn({ user: "alice" });
    await onBoard(page);
    await stage(page, "prod-eu").click();
    await page.locator("[data-panel=stage]").waitFor();
    assert.equal(await page.getByRole("button", { name: /^(plan|promote)/i }).count(), 0);
    const authorization = `Bearer ${await demo.tokenOf("alice")}`;
    const freight = JSON.parse(await demo.seaway("get", "freight", "-o", "json")).items[0].metadata.name;
    const ask = (name) =>
      demo.ask("POST", "/projects/bank/promotions", { stage: name, freight }, { authorization, "content-type": "application/json" });
    assert.equal((await ask("prod-eu")).status, 403);
    assert.notEqual((await ask("qa")).status, 403);
  },

  async "two people promote the same stage at once, and both are told the truth"({ signIn }) {
    const pages = [await signIn(), await signIn()];
    for (const page of pages) {
      await onBoard(page);
      await card(page, "1.5.3").dragTo(stage(page, "prod-eu"));
      await page.getByRole("button", { name: /^Promote prod-eu to/ }).waitFor();
    }
    await Promise.all(pages.map((page) => page.getByRole("button", { name: /^Promote prod-eu to/ }).click()));
    const started = (page) => page.locator("[data-panel=promotion]");
    const told = (page) => page.locator("dialog").getByText(/has promotion .+ already, asked for by|Show the new plan/);
    for (const page of pages) await started(page).or(told(page)).first().waitFor();
    const n = (await Promise.all(pages.map((page) => started(page).count()))).reduce((sum, one) => sum + one, 0);
    assert.ok(n >= 1, "one of them promotes");
    await has(pages[0], "prod-eu", "1.5.3");
  },

  async "the branch moves under an open plan: it says so and plans again"({ signIn, demo }) {
    const page = await signIn();
    await onBoard(page);
    await card(page, "1.5.0").dragTo(stage(page, "prod-eu"));
    const promote = page.getByRole("button", { name: /^Promote prod-eu to 1.5.0/ });
    await promote.waitFor();
    await demo.commit("overlays/prod-eu/kustomization.yaml", (text) => `# by hand\n${text}`, "a note");
    await promote.click();
    await page.getByRole("button", { name: "Show the new plan" }).click();
    await promote.click();
    await page.locator("[data-panel=promotion]").getByText("succeeded").first().waitFor({ timeout: 45_000 });
  },

  async "eight tabs stay live"({ signIn, tab, demo }) {
    const page = await signIn();
    await onBoard(page);
    const tabs = [page];
    while (tabs.length < 8) {
      const next = await tab(page);
      await next.goto(`${demo.url}/p/bank`);
      await onBoard(next);
      tabs.push(next);
    }
    await demo.push("fund-transfer:1.5.4");
    await Promise.all(tabs.map((one) => card(one, "1.5.4").waitFor()));
  },
};
