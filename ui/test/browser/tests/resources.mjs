// Resources: YAML read, tried, saved; the server's error at its line; somebody else who saved meanwhile.
import assert from "node:assert/strict";
import { onBoard, stage } from "../on-page.mjs";

const text = (page) => page.locator(".cm-content");
const line = (page, words) => page.locator(".cm-line", { hasText: words });

/** Puts words at the end of a line. */
async function append(page, lineWith, words) {
  await line(page, lineWith).first().click();
  await page.keyboard.press("End");
  await page.keyboard.type(words);
}

export default {
  async "a definition is read in its panel, changed on its page, tried and saved"({ signIn, server }) {
    const page = await signIn();
    await onBoard(page);
    await stage(page, "qa").click();
    await page.getByText("YAML", { exact: true }).click();
    await page.getByText("promotionTemplate:").waitFor();
    await page.getByRole("link", { name: "Change it" }).click();
    await text(page).waitFor();
    assert.match(page.url(), /\/p\/bank\/resources\/stages\/qa/);
    assert.equal(await page.getByRole("button", { name: "Save" }).isDisabled(), true);
    await append(page, "namespace: bank", "\nannotations:\n  kargo.akuity.io/color: red");
    await page.getByText("changed, not saved").waitFor();
    await page.keyboard.press("Control+Enter");
    await page.getByText("It would be accepted. What would change:").waitFor();
    await page.getByText("colours are the page's own business").waitFor();
    assert.equal(server.kubernetes.find("stages", "qa").metadata.annotations, undefined);
    await page.getByRole("link", { name: "e2e" }).click();
    await page.getByRole("heading", { name: "e2e" }).waitFor();
    await page.getByRole("link", { name: "qa", exact: true }).click();
    await page.getByText("changed, not saved").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("saved", { exact: true }).waitFor();
    assert.equal(server.kubernetes.find("stages", "qa").metadata.annotations["kargo.akuity.io/color"], "red");
  },

  async "the server's error stands at its line, and so does what is no YAML"({ signIn }) {
    const page = await signIn({ path: "/p/bank/resources/stages/e2e" });
    await append(page, "as: promote", "\n");
    await page.keyboard.press("Backspace");
    await page.keyboard.type("- as: nothing");
    await page.getByRole("button", { name: "Try" }).click();
    await page.getByRole("list", { name: "errors" }).getByText("is required").waitFor();
    const said = await page.getByRole("list", { name: "errors" }).textContent();
    const at = Number(/line (\d+)/.exec(said)[1]);
    assert.match(
      await page
        .locator(".cm-line")
        .nth(at - 1)
        .textContent(),
      /as: nothing/,
    );
    await page.locator(".cm-lint-marker-error").first().waitFor();
    await append(page, "as: nothing", "\n  uses: [git-clone");
    await page.getByRole("button", { name: "Try" }).click();
    await page
      .getByRole("list", { name: "errors" })
      .getByText(/flow|expected|']'/i)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("as it is now").waitFor();
  },

  async "all of it is chosen and written anew, under the page's CSP"({ signIn }) {
    const page = await signIn({ path: "/p/bank/resources/stages/e2e" });
    await append(page, "as: promote", "\n  uses: [git-clone");
    await page.getByRole("button", { name: "Try" }).click();
    await page.locator(".cm-lintRange-error, .cm-lintPoint-error, .cm-lint-marker-error").first().waitFor();
    for (const written of ["kind: Stage\nmetadata:", "# nothing"]) {
      await line(page, /\S/).first().click();
      await page.keyboard.press("Control+a");
      await page.keyboard.type(written);
      await page.waitForFunction(
        (all) => [...document.querySelectorAll(".cm-line")].map((one) => one.textContent.trimStart()).join("\n") === all,
        written,
      );
    }
    for (const key of ["Backspace", "Delete"]) {
      await page.keyboard.press("Control+z");
      await line(page, "kind: Stage").waitFor();
      await page.keyboard.press("Control+a");
      await page.keyboard.press(key);
      await page.waitForFunction(() => document.querySelector(".cm-content").textContent === "");
    }
  },

  async "somebody else saved: it says who and what, and puts one change on the other"({ signIn, server }) {
    const page = await signIn({ path: "/p/bank/resources/warehouses/images" });
    await append(page, "interval: 1m0s", " # often enough");
    server.kubernetes.write("warehouses", "images", "kubectl-edit", (one) => {
      one.spec.subscriptions[1].image.constraint = "^3.0.0";
    });
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("kubectl-edit saved this while you wrote.").waitFor();
    await page.getByRole("alert").getByText("constraint: ^3.0.0").waitFor();
    await page.getByRole("button", { name: "Put my change on theirs" }).click();
    await line(page, "# often enough").waitFor();
    await line(page, "^3.0.0").waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("saved", { exact: true }).waitFor();
    assert.equal(server.kubernetes.find("warehouses", "images").spec.subscriptions[1].image.constraint, "^3.0.0");
  },

  async "who may not write reads; promotions are read by everybody; no Secret has a place here"({ signIn, world, server }) {
    const eve = await signIn({ user: "eve", path: "/p/bank/resources/stages/qa" });
    await eve.getByText("you may read it, not write it").waitFor();
    assert.equal(await eve.getByRole("button", { name: /save|try/i }).count(), 0);
    const [promotion] = world.promotions.keys();
    const bob = await signIn({ path: `/p/bank/resources/promotions/${promotion}` });
    await bob.getByText("written by the control plane: to be read only").waitFor();
    await bob.getByText("Status, as the control plane writes it").click();
    await bob.getByText("phase: Succeeded").waitFor();
    assert.equal(await bob.getByRole("link", { name: /secret/i }).count(), 0);
    assert.equal(server.requests.filter((one) => /secrets/.test(one)).length, 0);
  },
};
