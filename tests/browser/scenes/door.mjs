// The way in, and out.
import assert from "node:assert/strict";
import { refusal } from "../../../ui/test/browser/guard.mjs";
import { onBoard, stage } from "../../../ui/test/browser/on-page.mjs";

/** An open stream ends so soon after its session has. */
const ENDS_WITHIN_MS = 5_000;

export default {
  async "the link of the banner signs in as bob, once, and is not left in the URL"({ signIn, demo, expects }) {
    const page = await signIn({ link: demo.link });
    await onBoard(page);
    assert.equal(new URL(page.url()).hash, "");
    for (const name of ["qa", "e2e", "staging", "prod-eu", "prod-us"]) await stage(page, name).waitFor();
    await page.getByText("1 waits for you").waitFor();
    const cookies = await page.context().cookies();
    assert.deepEqual(
      cookies.map(({ name, httpOnly, secure, sameSite, path }) => ({ host: name.startsWith("__Host-"), httpOnly, secure, sameSite, path })),
      [{ host: true, httpOnly: true, secure: true, sameSite: "Strict", path: "/" }],
    );
    expects(refusal(401, "/seaway/v1/session"));
    const other = await signIn({ link: demo.link });
    await other.getByText("the link was used already").waitFor();
    await other.getByLabel("User").fill("bob");
    await other.getByLabel("Password").fill("wrong");
    await other.getByRole("button", { name: "Sign in", exact: true }).click();
    await other.getByText("the user or the password is wrong").waitFor();
    await other.getByLabel("Password").fill(demo.passwords.bob);
    await other.keyboard.press("Enter");
    await onBoard(other);
  },

  async "a link into the page, opened by somebody who is not signed in, asks who it is and lands there"({ signIn, demo }) {
    const path = "/p/bank?stage=e2e";
    const page = await signIn({ user: null, path });
    await page.getByLabel("User").fill("eve");
    await page.getByLabel("Password").fill(demo.passwords.eve);
    await page.keyboard.press("Enter");
    await page.locator("[data-panel=stage]").getByText("e2e", { exact: true }).first().waitFor();
    assert.equal(page.url(), `${demo.url}${path}`);
  },

  async "a session that a new password ends takes its stream along within 5 s, and the page says so"({ signIn, demo, expects }) {
    const path = "/p/bank?stage=qa";
    const page = await signIn({ user: "eve", path });
    await onBoard(page);
    expects(refusal(401, "/seaway/v1/projects/bank/changes"));
    await demo.newPassword("eve");
    await page.getByText("Your session has ended.").waitFor({ timeout: ENDS_WITHIN_MS });
    await page.getByLabel("User").fill("eve");
    await page.getByLabel("Password").fill(demo.passwords.eve);
    await page.keyboard.press("Enter");
    await page.locator("[data-panel=stage]").getByText("qa", { exact: true }).first().waitFor();
    assert.equal(page.url(), `${demo.url}${path}`);
  },

  async "the certificate is vouched for, and the connection is HTTP/2"({ signIn }) {
    const page = await signIn();
    await onBoard(page);
    const protocols = await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((one) => one.nextHopProtocol),
    );
    assert.ok(protocols.length > 3 && protocols.every((one) => one === "h2"), String(protocols));
  },

  async "the first load is small, as the browser counts it"({ signIn }) {
    const page = await signIn();
    await onBoard(page);
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    const counted = new Map();
    session.on("Network.responseReceived", ({ requestId, response }) => counted.set(requestId, response.encodedDataLength));
    session.on("Network.dataReceived", ({ requestId, encodedDataLength }) =>
      counted.set(requestId, (counted.get(requestId) ?? 0) + encodedDataLength),
    );
    await page.reload();
    await onBoard(page);
    await page.getByText("Lately").waitFor();
    const bytes = [...counted.values()].reduce((sum, one) => sum + one, 0);
    console.log(`        ${bytes} bytes in ${counted.size} answers until the pipeline stands`);
    assert.ok(bytes > 50_000 && bytes <= 300_000, `${bytes} bytes`);
  },

  async "what no page may do is seen when it is done: another origin, a style of nobody's, an error"({ signIn, faults }) {
    const page = await signIn({ user: null });
    await page.getByLabel("Password").waitFor();
    await page.evaluate(async () => {
      const violated = () => new Promise((resolve) => document.addEventListener("securitypolicyviolation", resolve, { once: true }));
      await Promise.all([violated(), fetch("https://127.0.0.1:1/").catch(() => {})]);
      const styled = violated();
      document.body.insertAdjacentHTML("beforeend", `<p style="color: red">red</p>`);
      await styled;
      console.error("told by nobody");
    });
    const told = faults.splice(0).join("\n");
    for (const words of ["CSP: connect-src https://127.0.0.1:1", "CSP: style-src-attr inline", "told by nobody"])
      assert.ok(told.includes(words), `${words} in\n${told}`);
  },
};
