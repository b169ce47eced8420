// `make shots`: the README's pictures, from the real demo: the pipeline with something waiting and something stuck, and a plan before it is promoted.
import { mkdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { card, onBoard, stage } from "../../ui/test/browser/on-page.mjs";
import { arrives, says } from "./waits.mjs";
import { begin } from "./world.mjs";

const folder = fileURLToPath(new URL("../../docs/pictures/", import.meta.url));
mkdirSync(folder, { recursive: true });
const world = await begin();
try {
  const page = await world.signIn({ viewport: { width: 1280, height: 720 }, colorScheme: "light", reducedMotion: "reduce" });
  await onBoard(page);
  await world.demo.push("fund-transfer:1.5.1");
  await arrives(page, "staging", "1.5.1");
  await world.demo.push("fund-transfer:1.5.2", { bad: true });
  await says(page, "e2e", "git has 1.5.2");
  await page.getByText("1 is stuck").waitFor();
  await page.screenshot({ path: `${folder}pipeline.png` });
  await card(page, "1.5.1").dragTo(stage(page, "prod-eu"));
  await page.getByRole("button", { name: /^Promote prod-eu to 1.5.1/ }).waitFor();
  await page.screenshot({ path: `${folder}plan.png` });
  for (const name of ["pipeline.png", "plan.png"]) console.log(`${folder}${name}: ${statSync(folder + name).size} bytes`);
  if (world.faults.length > 0) throw new Error(world.faults.join("\n"));
} finally {
  await world.end();
}
