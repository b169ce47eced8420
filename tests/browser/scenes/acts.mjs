// The demo's four acts, on the page.
import assert from "node:assert/strict";
import { card, onBoard, stage } from "../../../ui/test/browser/on-page.mjs";
import { watchRenders } from "../../../ui/test/browser/renders.mjs";
import { arrives, says, succeeds } from "../waits.mjs";

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
    const promote = page.getByRole("button", { name: "Promote prod-eu to 1.5.0" });
    await promote.waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), await promote.textContent());
    await page.keyboard.press("Enter");
    await succeeds(page);
    await arrives(page, "prod-eu", "1.5.0");
    await arrives(page, "prod-us", "1.5.0");
  },

  async "an image pushed appears without reload, after its freight and nothing else, in every browser"({ signIn, demo }) {
    const [page, other] = [await signIn({ watch: watchRenders }), await signIn({ user: "eve" })];
    for (const one of [page, other]) {
      await onBoard(one);
      await one.evaluate(() => (window.stays = true));
    }
    await page.evaluate(watchTouched);
    await page.evaluate(() => window.takeRenders());
    const asked = [];
    page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await demo.push("fund-transfer:1.5.1");
    await card(page, "1.5.1").waitFor();
    for (const name of ["qa", "e2e", "staging"]) await arrives(page, name, "1.5.1");
    await page.getByText("1 waits for you").waitFor();
    for (const name of ["qa", "e2e", "staging"]) await arrives(other, name, "1.5.1");
    await card(other, "1.5.1").waitFor();
    for (const one of [page, other]) assert.equal(await one.evaluate(() => window.stays), true, "it was not loaded again");
    assert.deepEqual(asked, [], "the stream brings it all");

    const touched = await page.evaluate(() => window.touched);
    const at = (wanted) => touched.findIndex((names) => names.some((name) => wanted.includes(name)));
    const [fresh, before] = [await demo.freight("1.5.1"), await demo.freight("1.5.0")];
    const moved = ["stage qa", "stage e2e", "stage staging", "stage prod-eu"];
    assert.ok(at([`freight ${fresh}`]) >= 0 && at([`freight ${fresh}`]) <= at(moved), "the freight is there before any stage moves");
    // The version before leaves the stages; prod-us and what is older have no part in it.
    const may = new Set([...moved, `freight ${fresh}`, `freight ${before}`, "warehouse images"]);
    assert.deepEqual([...new Set(touched.flat())].filter((name) => !may.has(name)).sort(), []);
    const rendered = new Set(await page.evaluate(() => window.takeRenders()));
    assert.deepEqual([...rendered].filter((name) => !["images", "qa", "e2e", "staging", "prod-eu"].includes(name)).sort(), []);
    await stage(page, "prod-eu").filter({ hasText: "1.5.0" }).waitFor();
  },

  async "drag, plan, promote: what is planned is what git gets, in bob's name"({ signIn, demo }) {
    const page = await signIn();
    await onBoard(page);
    const before = await demo.changes("overlays/prod-eu");
    const [answered] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith("/plans")),
      card(page, "1.5.1").dragTo(stage(page, "prod-eu")),
    ]);
    const plan = await answered.json();
    await page.getByText("prod-eu goes from 1.5.0 to 1.5.1").waitFor();
    await page.getByText("newTag: 1.5.1").first().waitFor();
    await page.getByRole("button", { name: "Promote prod-eu to 1.5.1" }).click();
    await succeeds(page);
    const promotion = new URL(page.url()).searchParams.get("promotion");
    const commit = await demo.commitOf(promotion);
    assert.deepEqual(
      commit.files,
      plan.files.map((file) => file.path),
    );
    assert.equal(hunks(commit.diff), hunks(plan.files.map((file) => file.diff).join("\n")));
    assert.match(commit.diff, /^\+ +newTag: 1\.5\.1$/m);
    assert.equal(commit.trailers["Promoted-By"], "user:bob");
    assert.equal(commit.trailers["Promotion-Id"], `bank/${promotion}`);
    assert.equal(await demo.changes("overlays/prod-eu"), before + 1);
    const panel = page.locator("[data-panel=promotion]");
    await panel.getByText("equal to the plan").waitFor();
    const [written] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith(`/promotions/${promotion}/written`)),
      page.reload(),
    ]);
    const told = await written.json();
    assert.deepEqual([told.files, told.unknown, told.truncated], [plan.files, [], false], "git tells what was planned, file by file");
    await panel.getByRole("button", { name: "Show both, side by side" }).click();
    const both = page.getByRole("dialog");
    await both.getByText("What was written is equal to the plan.").waitFor();
    for (const side of ["planned", "written"])
      assert.equal(await both.getByRole("group", { name: side }).getByText("newTag: 1.5.1").count(), 1, side);
    await page.keyboard.press("Escape");
    await arrives(page, "prod-eu", "1.5.1");
    await arrives(page, "prod-us", "1.5.1");
  },

  async "freight that a stage does not take is answered in words, dropped or by key"({ signIn }) {
    const page = await signIn();
    await onBoard(page);
    const said = page.getByRole("status").filter({ hasText: "prod-us does not take" });
    await card(page, "1.5.1").dragTo(stage(page, "prod-us"));
    await said.getByText("it is there already").waitFor();
    await page.keyboard.press("Escape");
    await said.waitFor({ state: "detached" });
    await card(page, "1.5.1").click();
    await page.locator("[data-panel=freight]").waitFor();
    await stage(page, "prod-us").first().focus();
    await page.keyboard.press("p");
    await said.getByText("it is there already").waitFor();
    const eve = await signIn({ user: "eve" });
    await onBoard(eve);
    await card(eve, "1.5.0").dragTo(stage(eve, "prod-eu"));
    await eve.getByRole("status").getByText("you may not promote to prod-eu").waitFor();
    await eve.keyboard.press("Escape");
    await stage(eve, "prod-us").first().focus();
    await eve.keyboard.press("p");
    await eve.getByRole("status").getByText("prod-us waits for a promoter: you may not promote to prod-us.").waitFor();
    assert.equal(await eve.locator("dialog").count(), 0);
  },

  async "a bad version stops in e2e; one click says why, and what would release it"({ signIn, demo }) {
    const page = await signIn();
    await onBoard(page);
    await demo.push("fund-transfer:1.5.2", { bad: true });
    await says(page, "e2e", "git has 1.5.2");
    await page.getByText("1 is stuck").waitFor();
    const answers = page.getByRole("region", { name: "what waits and what is stuck" });
    await answers.getByRole("listitem").filter({ hasText: "e2e" }).getByRole("button", { name: "Why" }).click();
    const why = page.locator("[data-panel=stage] section", { hasText: "released by" });
    await why.getByText("smoke test answered 500").first().waitFor();
    const [{ answer }] = JSON.parse(await demo.seaway("why", "stage/e2e", "-o", "json"));
    assert.notEqual(answer.releases, "");
    assert.ok((await why.textContent()).includes(answer.releases.replaceAll("`", "")), answer.releases);
    await stage(page, "staging").filter({ hasText: "1.5.1" }).waitFor();
    await stage(page, "qa").filter({ hasText: "1.5.2" }).waitFor();
    await page.keyboard.press("Escape");
    await card(page, "1.5.2").dragTo(stage(page, "prod-eu"));
    const said = page.getByRole("status").filter({ hasText: "prod-eu does not take fund-transfer 1.5.2" });
    await said.getByText("fund-transfer 1.5.2 is not verified in staging").waitFor();
    await said.getByText("Released by its verification in an upstream stage, or an approval.").waitFor();
    assert.equal(await page.locator("dialog").count(), 0);
  },
};

/** Runs in the page: notes, one list per turn of the browser, which objects' elements came, went or changed; clocks tick all the time. */
function watchTouched() {
  window.touched = [];
  const element = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement);
  const name = ({ dataset }) => `${dataset.kind} ${dataset.name}`;
  new MutationObserver((all) => {
    const names = new Set();
    for (const { target, addedNodes } of all) {
      const own = element(target).closest("[data-name]");
      if (own && !element(target).closest("time")) names.add(name(own));
      for (const added of addedNodes) for (const one of element(added)?.querySelectorAll("[data-name]") ?? []) names.add(name(one));
    }
    // Rows of what happened lately are promotions; they are a list of their own.
    const known = [...names].filter((one) => /^(stage|freight|warehouse) /.test(one));
    if (known.length > 0) window.touched.push(known);
  }).observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true, attributes: true });
}

/** What a difference removes and adds, and where. */
function hunks(diff) {
  const lines = diff.split("\n").filter((line) => /^(@@|[ +-])/.test(line) && !/^(---|\+\+\+) /.test(line));
  return lines.map((line) => /^@@ .+? @@/.exec(line)?.[0] ?? line).join("\n");
}
