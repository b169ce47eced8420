import { expect, test } from "vitest";
import { hasEnded, isStuck, shapeOf, waitsForYou } from "./state.ts";

test("every word of the glossary has a shape, and states that differ in kind differ in shape", () => {
  const words = ["empty", "promoting", "unchecked", "verified", "waiting", "blocked", "failed", "held", "uncertain"];
  const shapes = words.map((word) => shapeOf(word)[0]);
  expect(new Set(shapes).size).toBe(words.length);
});

test("unchecked is never a check mark", () => expect(shapeOf("unchecked")[0]).not.toBe("check"));
test("a word that is not known is shown, with a question mark", () => expect(shapeOf("levitating")).toEqual(["question", "calm"]));
test("case does not matter", () => expect(shapeOf("Succeeded")).toEqual(shapeOf("succeeded")));
test("stuck is blocked, failed or uncertain", () =>
  expect(["blocked", "failed", "uncertain", "waiting", "held"].filter(isStuck)).toEqual(["blocked", "failed", "uncertain"]));
test("a promotion that ended does not move any more", () =>
  expect(["Pending", "Running", "Succeeded", "Failed", "Errored", "Aborted"].filter(hasEnded)).toHaveLength(4));

test("waits for you, not for a promoter and not for time", () => {
  expect(waitsForYou("you: manual promotion")).toBe(true);
  expect(waitsForYou("a promoter: manual promotion")).toBe(false);
  expect(waitsForYou("41s of soak")).toBe(false);
  expect(waitsForYou("younger freight")).toBe(false);
});
