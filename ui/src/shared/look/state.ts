// A state is a word and a shape; colour only repeats them.

export type Shape = "check" | "cross" | "clock" | "half" | "dash" | "ring" | "bars" | "question" | "barred" | "square";
export type Tone = "good" | "bad" | "wait" | "run" | "calm";

const SHAPES: Record<string, [Shape, Tone]> = {
  empty: ["dash", "calm"],
  unchecked: ["ring", "calm"],
  verified: ["check", "good"],
  succeeded: ["check", "good"],
  ready: ["check", "calm"],
  done: ["check", "good"],
  current: ["check", "calm"],
  waiting: ["clock", "wait"],
  pending: ["clock", "calm"],
  queued: ["clock", "calm"],
  held: ["bars", "wait"],
  promoting: ["half", "run"],
  verifying: ["half", "run"],
  running: ["half", "run"],
  looking: ["half", "run"],
  failed: ["cross", "bad"],
  errored: ["cross", "bad"],
  blocked: ["barred", "bad"],
  uncertain: ["question", "bad"],
  aborted: ["square", "calm"],
  skipped: ["dash", "calm"],
};

/** The shape and tone of a word of the glossary; a word that is not known is shown with a question mark, never hidden. */
export function shapeOf(state: string): [Shape, Tone] {
  return SHAPES[state.toLowerCase()] ?? ["question", "calm"];
}

const STUCK = new Set(["blocked", "failed", "uncertain"]);
export const isStuck = (state: string) => STUCK.has(state.toLowerCase());

const ENDED = new Set(["succeeded", "failed", "errored", "aborted"]);
export const hasEnded = (phase: string) => ENDED.has(phase.toLowerCase());

/** `you: manual promotion` waits for the one who looks. */
export const waitsForYou = (waitsFor: string) => /^you\b/.test(waitsFor);
