// How it looks: every page and panel photographed in both themes, wide and on a phone, for a person to look at; and to axe.
import assert from "node:assert/strict";
import { onBoard } from "../../../ui/test/browser/on-page.mjs";

export default {
  async "every page is photographed, and axe finds nothing serious: both themes, wide and phone"({ signIn, demo, axe, picture }) {
    const freight = await demo.freight("1.5.3");
    const promotions = await demo.list("promotions");
    const last = (stage, phase) => promotions.findLast((one) => one.spec.stage === stage && one.status?.phase === phase).metadata.name;
    const found = [];
    const look = (page, name) => picture(page, name, async (where) => found.push(...(await axe(page, where))));
    const page = await signIn();
    await onBoard(page);
    // What says that each stands: its own words, once its data are there.
    const VIEWS = {
      pipeline: ["", page.getByText("Lately")],
      plan: [`?plan=prod-eu&with=${freight}`, page.getByRole("button", { name: "Promote prod-eu to 1.5.3" })],
      downstream: [`?stage=staging&downstream=staging&with=${freight}`, page.getByRole("button", { name: /^Promote 1 stage/ })],
      stage: ["?stage=e2e", page.locator("[data-panel=stage]").getByText("released by")],
      freight: [`?freight=${freight}`, page.locator("[data-panel=freight]").getByLabel("from")],
      warehouse: ["?warehouse=images", page.locator("[data-panel=warehouse]").getByText("^1.0.0")],
      promotion: [`?promotion=${last("prod-eu", "Succeeded")}`, page.locator("[data-panel=promotion]").getByText("promote::push").first()],
      failed: [`?promotion=${last("e2e", "Failed")}`, page.locator("[data-panel=promotion]").getByText("smoke-test").first()],
      written: [`?promotion=${last("prod-eu", "Succeeded")}&shows=written`, page.getByRole("dialog")],
      "what-is-where": ["/what-is-where", page.getByRole("region", { name: "services by stages of bank" })],
      activity: ["/activity", page.getByRole("row").nth(5)],
      resources: ["/resources/stages/e2e", page.locator(".cm-line", { hasText: "smoke-test" }).first()],
      settings: ["/settings", page.getByText("OpenAPI 3.1")],
    };
    for (const [name, [path, stands]] of Object.entries(VIEWS)) {
      await page.goto(`${demo.url}/p/bank${path}`);
      await stands.waitFor();
      await look(page, name);
    }
    await page.goto(`${demo.url}/p/bank`);
    await onBoard(page);
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search" }).fill("prod");
    await page.getByRole("listbox", { name: "found" }).getByRole("option").first().waitFor();
    await look(page, "palette");
    const stranger = await signIn({ user: null });
    await stranger.getByLabel("Password").waitFor();
    await look(stranger, "sign-in");
    const eve = await signIn({ user: "eve" });
    await onBoard(eve);
    await look(eve, "eve");
    assert.deepEqual(found, []);
  },
};
