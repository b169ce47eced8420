// Several people at once, and who may what.
import assert from "node:assert/strict";
import { refusal } from "../../../ui/test/browser/guard.mjs";
import { card, onBoard, stage } from "../../../ui/test/browser/on-page.mjs";
import { arrives, says, succeeds } from "../waits.mjs";

const PROMOTIONS = "/seaway/v1/projects/bank/promotions";

export default {
  async "eve has no button, and the API refuses her by the name of the right she lacks"({ signIn, demo }) {
    const page = await signIn({ user: "eve" });
    await onBoard(page);
    await page
      .getByText(/waits? for a promoter/)
      .first()
      .waitFor();
    const [freight] = await demo.list("freight");
    for (const panel of ["stage=prod-eu", "warehouse=images", `freight=${freight.metadata.name}`]) {
      await page.goto(`${demo.url}/p/bank?${panel}`);
      await page.locator("[data-panel]").waitFor();
      await onBoard(page);
      assert.equal(
        await page.getByRole("button", { name: /^(plan|see plan|promote|look again|look now|approve|abort|resume)/i }).count(),
        0,
      );
    }
    const headers = { authorization: `Bearer ${await demo.tokenOf("eve")}`, "content-type": "application/json" };
    const refused = await demo.ask("POST", "/projects/bank/promotions", { stage: "prod-eu", freight: freight.metadata.name }, headers);
    assert.equal(refused.status, 403, refused.text);
    const problem = JSON.parse(refused.text);
    assert.match(problem.type, /not-authorised$/);
    assert.match(problem.detail, /promote.*prod-eu|prod-eu.*promote/);
    assert.ok(problem.id);
  },

  async "alice promotes up to staging and not beyond"({ signIn, demo }) {
    const page = await signIn({ user: "alice" });
    await onBoard(page);
    await stage(page, "prod-eu").click();
    await page.locator("[data-panel=stage]").waitFor();
    assert.equal(await page.getByRole("button", { name: /^(plan|promote)/i }).count(), 0);
    const headers = { authorization: `Bearer ${await demo.tokenOf("alice")}`, "content-type": "application/json" };
    const freight = await demo.freight("1.5.4");
    const refused = await demo.ask("POST", "/projects/bank/promotions", { stage: "prod-eu", freight }, headers);
    assert.equal(refused.status, 403, refused.text);
  },

  async "two people promote the same stage at once: one does, the other is told who and what"({ signIn, demo, expects, picture }) {
    await demo.addUser("carol", "kargo-promoter");
    const pages = { bob: await signIn(), carol: await signIn({ user: "carol" }) };
    const before = await demo.changes("overlays/prod-eu");
    // Neither request goes out before both buttons were pressed.
    let release;
    const both = new Promise((resolve) => (release = resolve));
    let pressed = 0;
    const answers = [];
    for (const [user, page] of Object.entries(pages)) {
      await onBoard(page);
      await card(page, "1.5.4").dragTo(stage(page, "prod-eu"));
      await page.getByRole("button", { name: "Promote prod-eu to 1.5.4" }).waitFor();
      await page.route(`**${PROMOTIONS}`, async (route) => {
        pressed += 1;
        if (pressed === 2) release();
        await both;
        await route.continue();
      });
      const answered = page.waitForResponse((response) => response.url().endsWith(PROMOTIONS));
      answers.push(answered.then((response) => [user, response.status()]));
    }
    expects(refusal(409, PROMOTIONS));
    await Promise.all(Object.values(pages).map((page) => page.getByRole("button", { name: "Promote prod-eu to 1.5.4" }).click()));
    const told = (await Promise.all(answers)).sort(([, a], [, b]) => a - b);
    assert.deepEqual(
      told.map(([, status]) => status),
      [201, 409],
    );
    const [[winner], [loser]] = told;
    await pages[winner].locator("[data-panel=promotion]").waitFor();
    const promotion = new URL(pages[winner].url()).searchParams.get("promotion");
    const said = pages[loser].getByRole("dialog").getByRole("alert").filter({ hasText: promotion });
    await said.getByText(`already, asked for by ${winner}`).waitFor();
    await picture(pages[loser], "second");
    await succeeds(pages[winner]);
    await arrives(pages[loser], "prod-eu", "1.5.4");
    assert.equal((await demo.commitOf(promotion)).trailers["Promoted-By"], `user:${winner}`);
    assert.equal(await demo.changes("overlays/prod-eu"), before + 1);
  },

  async "the branch moves under an open plan: it says so, names the path, and plans again"({ signIn, demo, expects, picture }) {
    const page = await signIn();
    await onBoard(page);
    await card(page, "1.5.0").dragTo(stage(page, "prod-eu"));
    const promote = page.getByRole("button", { name: "Promote prod-eu to 1.5.0" });
    await promote.waitFor();
    const before = await demo.changes("overlays/prod-eu");
    await demo.commit("overlays/prod-eu/kustomization.yaml", (text) => text.replace("images:\n", "images:\n# by hand\n"), "a note");
    expects(refusal(409, PROMOTIONS));
    await promote.click();
    await page.getByText("The branch moved while you read.").waitFor();
    await page.getByRole("alert").getByText("overlays/prod-eu/kustomization.yaml").waitFor();
    assert.equal(await promote.isDisabled(), true);
    await picture(page, "moved");
    assert.equal(await demo.changes("overlays/prod-eu"), before + 1, "nothing was promoted that was not shown");
    await page.getByRole("button", { name: "Show the new plan" }).click();
    await page.getByRole("dialog").getByText("# by hand").first().waitFor();
    await promote.click();
    await succeeds(page);
    assert.equal(await demo.changes("overlays/prod-eu"), before + 2);
  },

  async "a person who chooses older freight holds the stage, and lifts the hold"({ signIn, picture }) {
    const page = await signIn({ user: "alice" });
    await onBoard(page);
    await card(page, "1.5.3").dragTo(stage(page, "staging"));
    await page.getByRole("button", { name: "Promote staging to 1.5.3" }).click();
    await succeeds(page);
    await says(page, "staging", "held");
    await stage(page, "staging").click();
    const panel = page.locator("[data-panel=stage]");
    await panel.getByText("alice").first().waitFor();
    await picture(page, "held");
    await panel.getByRole("button", { name: "Resume", exact: true }).click();
    await arrives(page, "staging", "1.5.4");
    await panel.getByRole("button", { name: "Resume", exact: true }).waitFor({ state: "detached" });
  },
};
