// The demo's four acts, on the page.
import assert from "node:assert/strict";
import { card, onBoard, stage } from "../../../ui/test/browser/on-page.mjs";

export default {
  async "what waits is promoted by keyboard alone"({ signIn }) {
    const page = await signIn();
    await onBoard(page);
    const focused = () => page.evaluate(() => document.activeElement.dataset.name);
    await page.keyboard.press("j");
    assert.equal(await focused(), "images");
    for (let n = 0; n < 4; n += 1) await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "prod-eu");
    await page.keyboard.press("p");
    await page.getByText("prod-eu goes from 1.4.8 to 1.5.0").waitFor();
    await page.getByRole("button", { name: "Promote prod-eu to 1.5.0" }).waitFor();
    await page.keyboard.press("Enter");
    await arrives(page, "prod-eu", "1.5.0");
    await arrives(page, "prod-us", "1.5.0");
  },

  async "a good version flows: it appears without reload, after its freight, in every browser"({ signIn, demo }) {
    const [page, other] = [await signIn(), await signIn({ user: "eve" })];
    await onBoard(page);
    await onBoard(other);
    await page.evaluate(() => (window.stays = true));
    await demo.push("fund-transfer:1.5.1");
    await card(page, "1.5.1").waitFor();
    for (const name of ["qa", "e2e", "staging"]) await arrives(page, name, "1.5.1");
    await arrives(other, "staging", "1.5.1");
    assert.equal(await page.evaluate(() => window.stays), true);
    await stage(page, "prod-eu").filter({ hasText: "1.5.0" }).waitFor();
  },

  async "drag, plan, promote: what is planned is what git gets"({ signIn, demo }) {
    const page = await signIn();
    await onBoard(page);
    await card(page, "1.5.1").dragTo(stage(page, "prod-eu"));
    await page.getByText("prod-eu goes from 1.5.0 to 1.5.1").waitFor();
    await page.getByText("newTag: 1.5.1").first().waitFor();
    await page.getByRole("button", { name: "Promote prod-eu to 1.5.1" }).click();
    await page.locator("[data-panel=promotion]").getByText("succeeded").first().waitFor();
    await arrives(page, "prod-eu", "1.5.1");
    await arrives(page, "prod-us", "1.5.1");
    const git = await demo.seaway("get", "stages", "-o", "json");
    assert.match(git, /1\.5\.1/);
  },

  async "a bad version stops in e2e, and one click says why"({ signIn, demo }) {
    const page = await signIn();
    await onBoard(page);
    await demo.push("fund-transfer:1.5.2", { bad: true });
    await arrives(page, "e2e", "git has 1.5.2");
    await page.getByText("1 is stuck").waitFor();
    await page.getByRole("button", { name: "Why" }).first().click();
    await page.locator("[data-panel=stage]").getByText("smoke test answered 500").first().waitFor();
    await stage(page, "staging").filter({ hasText: "1.5.1" }).waitFor();
  },

  async "the control plane is killed and comes back: said, disabled, recovered, and what was missed"({ signIn, demo }) {
    const page = await signIn({ path: "/p/bank?stage=prod-eu" });
    await page.locator("[data-panel=stage]").waitFor();
    const { back } = demo.kill();
    await page.getByText(/No connection since \d\d:\d\d:\d\d/).waitFor();
    const actions = page.locator("[data-panel=stage] button", { hasText: /^(Plan|Promote|Look)/ });
    for (const button of await actions.all()) assert.equal(await button.isDisabled(), true);
    back();
    await page.getByText("Connected again.").waitFor({ timeout: 30_000 });
    await demo.push("fund-transfer:1.5.3");
    await card(page, "1.5.3").waitFor();
    await arrives(page, "staging", "1.5.3");
  },
};

/** Promotions take their seconds on a machine that is busy. */
function arrives(page, name, text) {
  return stage(page, name).filter({ hasText: text }).first().waitFor({ timeout: 45_000 });
}
