// `npm run e2e`: what people do on the page, in Chromium, against the mock server. `npm run e2e -- drag` runs those whose name has that word.
import assert from "node:assert/strict";
import { big } from "../mock-server/zoo.mjs";
import { begin, openBrowser } from "./browser.mjs";
import page from "./tests/page.mjs";
import promote from "./tests/promote.mjs";
import resources from "./tests/resources.mjs";
import session from "./tests/session.mjs";

const TESTS = { ...session, ...promote, ...resources, ...page };

/** Other worlds than the bank. */
const WORLDS = { big };

const words = process.argv.slice(2);
const browser = await openBrowser();
let failed = 0;
for (const [name, test] of Object.entries(TESTS)) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
  const set = await begin(browser, { make: WORLDS[/^in a (\w+) world/.exec(name)?.[1]] });
  const from = Date.now();
  try {
    await test(set);
    assert.deepEqual(set.faults, []);
    console.log(`ok      ${name} (${Date.now() - from} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${String(error.stack).slice(0, 2_500)}\n${set.faults.join("\n")}`);
  } finally {
    await set.end();
  }
}
await browser.close();
process.exit(failed === 0 ? 0 : 1);
