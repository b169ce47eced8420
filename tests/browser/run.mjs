// The page against the real demo, in Chromium, with the demo's CA trusted: `node tests/browser/run.mjs [WORD…]` plays the scenes in order,
// or those whose name has a word (and what they need is then there only if they bring it).
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import door from "./scenes/door.mjs";
import acts from "./scenes/acts.mjs";
import live from "./scenes/live.mjs";
import people from "./scenes/people.mjs";
import provider from "./scenes/provider.mjs";
import pages from "./scenes/pages.mjs";
import settings from "./scenes/settings.mjs";
import look from "./scenes/look.mjs";
import { begin } from "./world.mjs";

const SCENES = { ...door, ...provider, ...acts, ...live, ...people, ...pages, ...settings, ...look };
const SHOTS = process.env.SHOTS ?? fileURLToPath(new URL("../../target/browser/", import.meta.url));

const words = process.argv.slice(2);
const from = Date.now();
const world = await begin({ shots: SHOTS });
console.log(`browser: the demo is up after ${Date.now() - from} ms`);
let failed = 0;
let played = 0;
for (const [name, scene] of Object.entries(SCENES)) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
  const at = Date.now();
  played += 1;
  try {
    await scene(world);
    assert.deepEqual(world.faults.splice(0), []);
    console.log(`ok      ${name} (${Date.now() - at} ms)`);
  } catch (error) {
    failed += 1;
    const shot = name.replace(/\W+/g, "-").slice(0, 60);
    await world.photograph(SHOTS, shot);
    console.log(
      `FAILED  ${name}\n${String(error.stack).slice(0, 2_500)}\n${world.faults.splice(0).join("\n")}\n        see ${SHOTS}${shot}-*.png`,
    );
  }
  await world.forget();
}
if (failed > 0) console.log(`the control plane's log ends:\n${world.demo.log()}`);
await world.end();
console.log(`browser: ${played - failed} of ${played} scenes hold, in ${((Date.now() - from) / 1000).toFixed(0)} s`);
process.exit(failed === 0 ? 0 : 1);
