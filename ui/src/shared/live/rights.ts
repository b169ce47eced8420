// The board is the same for everybody; what it means for the one who looks is made here: their right, and `you` where it says `a promoter`.
import type { Answer, Rights, StageForYou, StageView } from "../api/types.ts";

export const NO_RIGHTS: Rights = { promote: [], approve: false, refresh: false, write: false };

const toYou = (text: string) => text.replace(/\ba promoter\b/g, "you");

/** A stage with the right of the one who looks; what they can type is told only to those it works for. */
export function stageForYou(stage: StageView, rights: Rights, colour: number): StageForYou {
  const mayPromote = rights.promote.includes(stage.name);
  if (mayPromote) return { ...stage, colour, mayPromote, waitsFor: toYou(stage.waitsFor), cause: toYou(stage.cause) };
  return { ...stage, colour, mayPromote, hint: stage.state === "waiting" ? "" : stage.hint };
}

/** An answer as the one who may release it reads it. */
export const answerToYou = (answer: Answer): Answer => ({ ...answer, waitsFor: toYou(answer.waitsFor), cause: toYou(answer.cause) });

export function answerForYou(answer: Answer, rights: Rights): Answer {
  if (answer.kind !== "Stage") return answer;
  if (rights.promote.includes(answer.name)) return answerToYou(answer);
  return answer.state === "waiting" ? { ...answer, hint: "" } : answer;
}
