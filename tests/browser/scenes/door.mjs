// The way in.
import assert from "node:assert/strict";
import { onBoard, stage } from "../../../ui/test/browser/on-page.mjs";

export default {
  async "the link of the banner signs in as bob, once, and is not left in the URL"({ signIn, demo }) {
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

  async "the certificate is vouched for, and the connection is HTTP/2"({ signIn }) {
    const page = await signIn();
    await onBoard(page);
    const protocols = await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((one) => one.nextHopProtocol),
    );
    assert.ok(protocols.length > 3 && protocols.every((one) => one === "h2"), String(protocols));
  },

  async "the first load is small, as the browser counts it"({ signIn }) {
    const page = await signIn({ user: null });
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    let bytes = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.reload();
    await page.getByLabel("Password").waitFor();
    await page.waitForLoadState("networkidle");
    console.log(`        ${bytes} bytes until one can sign in`);
    assert.ok(bytes > 10_000 && bytes <= 300_000, `${bytes} bytes`);
  },
};
