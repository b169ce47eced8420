// What is live stays live, and says when it is not.
import assert from "node:assert/strict";
import { unanswered } from "../../../ui/test/browser/guard.mjs";
import { card, onBoard } from "../../../ui/test/browser/on-page.mjs";
import { arrives } from "../waits.mjs";

const CHANGES = "/seaway/v1/projects/bank/changes";
/** How a stream of HTTP/2 ends that was not ended in order, and how the next ones are not begun. */
const LOST = [
  "ERR_CONNECTION_REFUSED",
  "ERR_CONNECTION_RESET",
  "ERR_CONNECTION_CLOSED",
  "ERR_EMPTY_RESPONSE",
  "ERR_HTTP2_PING_FAILED",
  "ERR_HTTP2_PROTOCOL_ERROR",
  "ERR_INCOMPLETE_CHUNKED_ENCODING",
  "ERR_INTERNET_DISCONNECTED",
];

export default {
  async "killed and back: the page says so, disables, recovers, and shows what it missed"({ signIn, demo, expects, picture }) {
    // One browser has nothing but its own patience; the other's network comes back when a good deal has happened.
    const [page, away] = [await signIn({ path: "/p/bank?freight=of-none" }), await signIn()];
    const buttons = page.locator("[data-panel] button", { hasText: /^(Plan|Look again|Look now)/ });
    await page.goto(`${demo.url}/p/bank?stage=staging`);
    await buttons.first().waitFor();
    await onBoard(away);
    const before = await buttons.count();
    assert.ok(before >= 2, `${before} buttons`);
    for (const button of await buttons.all()) assert.equal(await button.isEnabled(), true);
    expects(...LOST.map((error) => unanswered(error, CHANGES)));

    const { back } = await demo.kill();
    for (const one of [page, away]) await one.getByText(/No connection since \d\d:\d\d:\d\d/).waitFor();
    assert.equal(await buttons.count(), before);
    for (const button of await buttons.all()) assert.equal(await button.isDisabled(), true, await button.textContent());
    await picture(page, "lost", async (where) => assert.ok(await page.getByRole("alert").evaluate(isOnTop), where));
    await away.context().setOffline(true);
    await demo.push("fund-transfer:1.5.3");
    for (const one of [page, away]) assert.equal(await card(one, "1.5.3").count(), 0, "nobody was there to find it");

    back();
    await page.getByText("Connected again.").waitFor({ timeout: 60_000 });
    for (const button of await buttons.all()) assert.equal(await button.isEnabled(), true, await button.textContent());
    await card(page, "1.5.3").waitFor();
    await arrives(page, "staging", "1.5.3");
    assert.equal(await card(away, "1.5.3").count(), 0);
    await away.context().setOffline(false);
    const told = away.getByRole("status").filter({ hasText: "Connected again." });
    await told.getByText("new: fund-transfer 1.5.3").waitFor();
    for (const name of ["qa", "e2e", "staging"]) await told.getByText(new RegExp(`^${name} .*1\\.5\\.3`)).waitFor();
    assert.match(await told.textContent(), /Missed between \d\d:\d\d:\d\d and \d\d:\d\d:\d\d: \d+ changes: /);
    await card(away, "1.5.3").waitFor();
    await picture(away, "back");
    await told.getByRole("link", { name: "what happened then" }).click();
    await away.getByRole("row", { name: /PromotionSucceeded.*1\.5\.3 into staging/ }).waitFor();
  },

  async "eight tabs of one browser stay live"({ signIn, tab, demo }) {
    const page = await signIn();
    await onBoard(page);
    const tabs = [page];
    while (tabs.length < 8) tabs.push(await tab(page));
    await Promise.all(tabs.slice(1).map((one) => one.goto(`${demo.url}/p/bank`)));
    await Promise.all(tabs.map(onBoard));
    await demo.push("fund-transfer:1.5.4");
    await Promise.all(tabs.map((one) => card(one, "1.5.4").waitFor()));
    await Promise.all(tabs.map((one) => arrives(one, "staging", "1.5.4")));
  },
};

/** Runs in the page: nothing covers the element's middle. */
function isOnTop(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}
