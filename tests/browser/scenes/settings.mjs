// Users, tokens, sessions, and the definitions behind the pages.
import assert from "node:assert/strict";
import { onBoard } from "../../../ui/test/browser/on-page.mjs";
import { refusal } from "../../../ui/test/browser/guard.mjs";

export default {
  async "the admin adds a user, who signs in; once removed they are out, and their session with them"({ signIn, demo, expects }) {
    const page = await signIn({ user: "admin", path: "/p/bank/settings" });
    await page.getByRole("button", { name: "Add a user…" }).click();
    await page.getByLabel("Name", { exact: true }).fill("dora");
    await page.getByLabel("Password", { exact: true }).fill("a sentence that is long enough");
    await page.getByRole("textbox", { name: "Groups" }).fill("on-call");
    await page.getByRole("button", { name: "Add the user" }).click();
    const row = page.getByRole("row").filter({ has: page.getByRole("cell", { name: "dora", exact: true }) });
    await row.getByText("on-call").waitFor();

    const dora = await signIn({ user: null });
    await dora.getByLabel("User").fill("dora");
    await dora.getByLabel("Password").fill("a sentence that is long enough");
    await dora.keyboard.press("Enter");
    await dora.getByLabel("Password").waitFor({ state: "detached" });

    await page.getByRole("button", { name: "remove dora" }).click();
    await page.getByText("dora is signed out everywhere.").waitFor();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await row.waitFor({ state: "detached" });
    expects(refusal(401, "/seaway/v1/session"));
    await dora.reload();
    await dora.getByLabel("User").fill("dora");
    await dora.getByLabel("Password").fill("a sentence that is long enough");
    await dora.keyboard.press("Enter");
    await dora.getByText("the user or the password is wrong").waitFor();
  },

  async "a token is shown once, does what its scope says, and is refused once revoked"({ signIn, demo, picture }) {
    const page = await signIn({ path: "/p/bank/settings" });
    await page.getByRole("button", { name: "Make a token…" }).click();
    await page.getByLabel("Name", { exact: true }).fill("nightly");
    await page.getByLabel("read", { exact: true }).check();
    await page.getByLabel("bank", { exact: true }).check();
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("Copy it now: it is not kept here, and is not shown again.").waitFor();
    await picture(page, "token");
    const token = await page.getByText(/^seaway_/).textContent();
    await page.getByRole("button", { name: "I have it" }).click();
    const row = page.getByRole("row").filter({ has: page.getByRole("cell", { name: "nightly", exact: true }) });
    await row.waitFor();
    assert.ok(!(await page.content()).includes(token));
    await page.reload();
    await row.waitFor();
    assert.ok(!(await page.content()).includes(token));

    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    assert.equal((await demo.ask("GET", "/projects/bank/board", undefined, headers)).status, 200);
    const ask = { stage: "prod-eu", freight: await demo.freight("1.5.3") };
    assert.equal((await demo.ask("POST", "/projects/bank/promotions", ask, headers)).status, 403);
    await page.getByRole("button", { name: "revoke nightly" }).click();
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await row.waitFor({ state: "detached" });
    assert.equal((await demo.ask("GET", "/projects/bank/board", undefined, headers)).status, 401);
  },

  async "a session ended from another browser's settings is over there at once"({ signIn, expects }) {
    expects(refusal(401, "/seaway/v1/projects/bank/changes"));
    const other = await signIn({ user: "carol" });
    await onBoard(other);
    const page = await signIn({ user: "carol", path: "/p/bank/settings" });
    await page.getByText("this one").waitFor();
    // The newest comes first; the session that made both links is further down, and would take this one along.
    await page
      .getByRole("button", { name: /^end the session begun by/ })
      .first()
      .click();
    await other.getByText("Your session has ended.").waitFor();
    await page.reload();
    await page.getByText("this one").waitFor();
  },

  async "credentials are names and URLs; what they hold is in no answer to any page"({ signIn, demo, picture }) {
    const canary = "canary-5f1d7c";
    const labels = { "kargo.akuity.io/cred-type": "git" };
    const stringData = { repoURL: "https://git.example.com/bank.git", username: `${canary}-user`, password: canary };
    await demo.apply({ apiVersion: "v1", kind: "Secret", metadata: { name: "bank-repository", namespace: "bank", labels }, stringData });
    const page = await signIn({ user: "admin", path: "/p/bank/settings" });
    await page.getByText("OpenAPI 3.1").waitFor();
    const answers = [];
    page.on("response", (response) => {
      // The stream has no end to wait for.
      if (!response.url().endsWith("/changes")) answers.push(response.text().catch(() => ""));
    });
    await page.reload();
    const row = page.getByRole("row", { name: /bank-repository/ });
    await row.getByText("https://git.example.com/bank.git").waitFor();
    await picture(page, "settings-admin");
    for (const view of ["", "/what-is-where", "/activity", "/resources/stages/qa", "?warehouse=images"]) {
      await page.goto(`${demo.url}/p/bank${view}`);
      await page.waitForSelector("main section, main ul", { state: "attached" });
      await page.waitForLoadState("networkidle", { timeout: 500 }).catch(() => {});
      assert.ok(!(await page.content()).includes(canary), view);
    }
    const said = (await Promise.all(answers)).join("\n");
    assert.ok(said.includes("bank-repository") && !said.includes(canary) && !said.includes(btoa(canary)));
  },

  async "a definition is tried with an error at its line, then saved, and another browser sees it live"({ signIn, expects, picture }) {
    expects(refusal(422, "/apis/kargo.akuity.io/v1alpha1/namespaces/bank/warehouses/images"));
    const other = await signIn({ user: "eve", path: "/p/bank?warehouse=images" });
    const constraint = other.locator("[data-panel=warehouse]").getByText("^2.0.1");
    await other.locator("[data-panel=warehouse]").getByText("^2.0.0").waitFor();
    const page = await signIn({ user: "admin", path: "/p/bank/resources/warehouses/images" });
    await write(page, "constraint: ^2.0.0", "constraint: no version");
    await page.keyboard.press("Control+Enter");
    const errors = page.getByRole("list", { name: "errors" });
    await errors.getByText(/no version/).waitFor();
    const at = Number(/line (\d+)/.exec(await errors.textContent())[1]);
    const line = page.locator(".cm-line").nth(at - 1);
    assert.match(await line.textContent(), /constraint: no version|image:|repoURL/);
    await page.locator(".cm-lint-marker-error").first().waitFor();
    await picture(page, "resource-error");
    await write(page, "constraint: no version", "constraint: ^2.0.1");
    await page.keyboard.press("Control+Enter");
    await page.getByText("It would be accepted. What would change:").waitFor();
    assert.equal(await constraint.count(), 0, "a try keeps nothing");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("saved", { exact: true }).waitFor();
    await constraint.waitFor();
  },
};

/** Writes a line of the editor anew; its indent stays. */
async function write(page, old, words) {
  await page.locator(".cm-line", { hasText: old }).first().click();
  await page.keyboard.press("End");
  for (let n = 0; n < old.length; n += 1) await page.keyboard.press("Backspace");
  await page.keyboard.type(words);
}
