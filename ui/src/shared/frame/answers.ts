// Which answers wait for the one who looks, which for somebody else, and which are stuck.
import type { Answer } from "../api/types.ts";
import { isStuck, waitsForYou } from "../look/state.ts";

/** Told of stages and warehouses: a promotion's answer is its stage's, freight's is no news. */
export function sortAnswers(answers: readonly Answer[]) {
  const about = answers.filter((one) => one.kind === "Stage" || one.kind === "Warehouse");
  return {
    you: about.filter((one) => one.state === "waiting" && waitsForYou(one.waitsFor)),
    others: about.filter((one) => one.state === "waiting" && /^a (promoter|person)\b/.test(one.waitsFor)),
    stuck: about.filter((one) => isStuck(one.state)),
  };
}
