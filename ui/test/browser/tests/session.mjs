// Who one is: signing in and out, rights that come and go, settings.
import assert from "node:assert/strict";
import { onBoard } from "../on-page.mjs";

export default {
  async "a one-time link signs in once, and is not left in the URL"({ signIn, url }) {
    const page = await signIn({ path: "/" });
    await onBoard(page);
    assert.equal(page.url(), `${url}/p/bank`);
    await page.goto("about:blank");
    await page.goto(`${url}/#link=link1`);
    await onBoard(page);
    await page.getByRole("alert").getByText("this link was used already").waitFor();
    await page.getByText("You are still signed in as bob.").waitFor();
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.getByText("You are still signed in as").waitFor({ state: "detached" });
    await page.evaluate(() => (window.location.hash = "link=rubbish"));
    await page.getByText("You are still signed in as bob.").waitFor();
    assert.equal(page.url(), `${url}/p/bank`);
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

  async "a link pasted into a tab that asks to sign in is taken, and is not left in the URL"({ signIn, server, url }) {
    server.links.set("fresh", "bob");
    const page = await signIn({ user: null, path: "/p/bank" });
    await page.getByLabel("User").waitFor();
    await page.evaluate(() => (window.location.hash = "link=used"));
    await page.getByText("id in the log").waitFor();
    assert.equal(page.url(), `${url}/p/bank`);
    await page.evaluate(() => (window.location.hash = "link=fresh"));
    await onBoard(page);
    assert.equal(page.url(), `${url}/p/bank`);
  },

  async "who may see no project can sign out, and the page comes when one may be seen"({ signIn, server, url }) {
    server.projects = [];
    const page = await signIn({ path: "/" });
    await page.getByText("There is no project yet, or none that you may see.").waitFor();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("heading", { name: "This session" }).waitFor();
    await page.getByRole("banner").getByRole("button", { name: "Sign out" }).waitFor();
    server.projects = ["bank"];
    await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
    await onBoard(page);
    assert.equal(page.url(), `${url}/p/bank`);
  },

  async "a right that is taken or given shows at once"({ signIn, server }) {
    const page = await signIn();
    await onBoard(page);
    await page.getByText("1 waits for you").waitFor();
    server.allow("bob", []);
    await page.getByText("1 waits for a promoter").waitFor();
    assert.equal(await page.getByRole("button", { name: "See plan" }).count(), 0);
    server.allow("bob", ["prod-eu"]);
    await page.getByRole("button", { name: "See plan" }).waitFor();
  },

  async "who may sign in how: by password, by a provider, by neither"({ signIn, server, url }) {
    server.offers = { methods: ["password", "oidc"], oidc: { name: "Bank SSO" } };
    const page = await signIn({ user: null, path: "/p/bank?stage=qa#refused=state&id=4f2a" });
    const provider = page.getByRole("link", { name: "Sign in with Bank SSO" });
    assert.equal(await provider.getAttribute("href"), "/seaway/v1/oidc/start?to=%2Fp%2Fbank%3Fstage%3Dqa");
    await page.getByText("does not belong to a sign-in that was begun in this browser").waitFor();
    await page.getByText("4f2a").waitFor();
    assert.equal(page.url(), `${url}/p/bank?stage=qa`);
    await page.getByLabel("Password").waitFor();
    server.offers = { methods: [], oidc: null };
    await page.reload();
    await page.getByText("seaway user add NAME").waitFor();
    await page.getByText("seaway open").waitFor();
    assert.equal(await page.locator("input").count(), 0);
  },

  async "settings: users, tokens shown once, sessions, credentials without values; what one may not see says so"({ signIn, server }) {
    const page = await signIn({ path: "/p/bank/settings" });
    await page.getByRole("button", { name: "Add a user…" }).click();
    await page.keyboard.type("carol");
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "carol");
    await page.getByLabel("Password", { exact: true }).fill("short");
    await page.getByRole("textbox", { name: "Groups" }).fill("developers, on-call");
    await page.getByRole("button", { name: "Add the user" }).click();
    await page.getByText("the password has fewer than 12 characters").waitFor();
    await page.getByLabel("Password", { exact: true }).fill("a longer sentence");
    await page.keyboard.press("Enter");
    await page.getByRole("cell", { name: "developers, on-call" }).waitFor();
    await page.getByRole("button", { name: "remove carol" }).click();
    await page.getByText("carol is signed out everywhere.").waitFor();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByRole("cell", { name: "carol", exact: true }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Make a token…" }).click();
    await page.keyboard.type("nightly");
    await page.getByLabel("promote and approve").check();
    await page.getByLabel("bank", { exact: true }).check();
    await page.getByRole("button", { name: "Make the token" }).click();
    const token = await page.getByText(/^seaway_/).textContent();
    await page.getByRole("button", { name: "I have it" }).click();
    await page.getByRole("cell", { name: "get, list, watch, promote, refresh, create, patch in bank" }).nth(1).waitFor();
    assert.ok(!(await page.content()).includes(token), "shown once");
    await page.getByRole("button", { name: "revoke nightly" }).click();
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByRole("cell", { name: "nightly", exact: true }).waitFor({ state: "detached" });
    await page.getByRole("cell", { name: "bank-repository" }).waitFor();
    await page.getByText("this one").waitFor();
    await page.getByRole("button", { name: "New password…", exact: true }).first().click();
    await page.getByLabel("Present password").fill("bob");
    await page.getByLabel("New password", { exact: true }).fill("another sentence");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("Your session has ended.").waitFor();
    assert.equal(server.users.get("bob").password, "another sentence");
    const eve = await signIn({ user: "eve", path: "/p/bank/settings" });
    await eve.getByText("may not list users.seaway.dev").waitFor();
    assert.equal(await eve.getByRole("button", { name: "Add a user…" }).count(), 0);
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
};
