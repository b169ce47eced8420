import { expect, test } from "vitest";
import type { PlanView } from "../shared/api/types.ts";
import { movedPaths, refusalOf, staysTrue } from "./plan.ts";

const plan = (change: Partial<PlanView> = {}): PlanView => ({
  sentence: "",
  stage: "prod-eu",
  freight: "f",
  label: "fund-transfer 1.5.1",
  digest: "v1:a",
  changed: true,
  truncated: false,
  effects: [],
  waits: [],
  unknown: [],
  canStart: { now: true },
  files: [
    { repository: "r", branch: "main", path: "a.yaml", mode: "100644", newBlob: "2", diff: "-1\n+2", added: 1, removed: 1, binary: false },
  ],
  ...change,
});
const [file] = plan().files;
if (!file) throw new Error("the example has a file");

test("the paths that moved are named, and only those", () => {
  const check = (files: PlanView["files"], wanted: string[]) => expect(movedPaths(plan(), plan({ files }))).toEqual(wanted);
  check([file], []);
  check([{ ...file, diff: "-1.1\n+2" }], ["a.yaml"]);
  check([file, { ...file, path: "b.yaml" }], ["b.yaml"]);
  check([], ["a.yaml"]);
});

test("what cannot start says why", () => {
  expect(refusalOf(plan())).toBeNull();
  expect(refusalOf(plan({ canStart: { now: false, reason: "not verified upstream" } }))).toBe("not verified upstream");
  expect(refusalOf(plan({ failure: { reason: "FileMissing", message: "no such file" } }))).toBe("no such file");
});

test("a refusal and a failed plan are not asked again unasked", () => {
  expect(staysTrue({ data: undefined, error: null })).toBe(true);
  expect(staysTrue({ data: plan(), error: null })).toBe(true);
  expect(staysTrue({ data: plan({ failure: { reason: "Failed", message: "no branch" } }), error: null })).toBe(false);
  expect(staysTrue({ data: plan(), error: new Error("refused") })).toBe(false);
});
