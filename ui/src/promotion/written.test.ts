import { expect, test } from "vitest";
import type { Planned, PlannedFile, Written, WrittenFiles } from "../shared/api/types.ts";
import { isAsPlanned, pairsOf } from "./written.ts";

const file = (path: string, newBlob: string, diff = "+1"): PlannedFile => ({
  repository: "r",
  branch: "main",
  path,
  mode: "100644",
  newBlob,
  diff,
  added: 1,
  removed: 1,
  binary: false,
});
const planned = (digest: string, ...files: PlannedFile[]): Planned => ({ digest, files, truncated: false });
const written = (digest: string): Written => ({ digest, commits: [{ repository: "r", branch: "main", commit: "c" }] });
const told = (...files: PlannedFile[]): WrittenFiles => ({ files, truncated: false, unknown: [] });

test("equal by what git tells, whatever the digests say", () => {
  expect(isAsPlanned(planned("a", file("x", "1")), written("a"), told(file("x", "1")))).toBe(true);
  expect(isAsPlanned(planned("a", file("x", "1")), written("a"), told(file("x", "2")))).toBe(false);
  expect(isAsPlanned(planned("a", file("x", "1")), written(""), told(file("x", "1")))).toBe(true);
  expect(isAsPlanned(planned("a"), written("a"), told(file("x", "1")))).toBe(false);
});

test("by the digests where git does not tell all, and unknown where there are none", () => {
  for (const part of [undefined, { ...told(), truncated: true }, { ...told(), unknown: ["It is gone."] }]) {
    expect(isAsPlanned(planned("a", file("x", "1")), written("a"), part)).toBe(true);
    expect(isAsPlanned(planned("a", file("x", "1")), written("b"), part)).toBe(false);
    expect(isAsPlanned(planned("a", file("x", "1")), written(""), part)).toBeNull();
  }
  expect(isAsPlanned(null, written("a"), told())).toBeNull();
  expect(isAsPlanned(planned("a"), null, undefined)).toBeNull();
});

test("every file of either is a pair, those that differ first", () =>
  expect(
    pairsOf(planned("a", file("same", "1"), file("cut", "1", ""), file("only planned", "1")), {
      ...told(file("same", "1"), file("cut", "1"), file("only written", "1")),
    }).map((pair) => `${pair.path} ${pair.isEqual}`),
  ).toEqual(["only planned false", "only written false", "same true", "cut true"]));
