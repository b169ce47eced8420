import { expect, test } from "vitest";
import type { Planned, PlannedFile, Written } from "../shared/api/types.ts";
import { isAsPlanned, pairsOf } from "./written.ts";

const file = (path: string, diff: string): PlannedFile => ({
  repository: "r",
  branch: "main",
  path,
  mode: "100644",
  diff,
  added: 1,
  removed: 1,
  binary: false,
});
const planned = (digest: string, ...files: PlannedFile[]): Planned => ({ digest, files, truncated: false });
const written = (digest: string, ...files: PlannedFile[]): Written => ({ digest, files, truncated: false, commits: [] });

test("equal by the digests where both are known, else by the files", () => {
  expect(isAsPlanned(planned("a"), written("a"))).toBe(true);
  expect(isAsPlanned(planned("a"), written("b"))).toBe(false);
  expect(isAsPlanned(planned("a", file("x", "+1")), written("", file("x", "+1")))).toBe(true);
  expect(isAsPlanned(planned("a", file("x", "+1")), written("", file("x", "+2")))).toBe(false);
  expect(isAsPlanned(null, written("a"))).toBeNull();
  const onlyCommits = { ...written(""), commits: [{ repository: "r", branch: "main", commit: "c" }] };
  expect(isAsPlanned(planned("a", file("x", "+1")), onlyCommits)).toBeNull();
});

test("every file of either is a pair, those that differ first", () =>
  expect(
    pairsOf(planned("a", file("same", "+1"), file("only planned", "+1")), written("b", file("same", "+1"), file("only written", "+1"))).map(
      (pair) => `${pair.path} ${pair.isEqual}`,
    ),
  ).toEqual(["only planned false", "only written false", "same true"]));
