import { expect, test } from "vitest";
import { about, gitHas, isTall, tablesOf } from "./table.ts";

const cell = (project: string, stage: string, version: string) => ({ project, stage, version, state: "unchecked" });
const answer = {
  services: ["a", "b"],
  rows: [
    { service: "a", cells: [cell("x", "qa", "1"), cell("x", "prod", "0"), cell("y", "qa", "4")] },
    { service: "b", cells: [cell("y", "qa", "7")] },
  ],
};
const drawn = (here: string, filter?: string) =>
  tablesOf(answer, here, filter).map(
    (table) =>
      `${table.project}: ${table.stages.join(" ")} | ${table.rows.map((row) => [row.service, ...row.cells.map((one) => one?.version ?? "-")].join(" ")).join(" | ")}`,
  );

test("a table for each project, this one first; a stage of one name in two projects is two", () => {
  expect(drawn("x")).toEqual(["x: qa prod | a 1 0", "y: qa | a 4 | b 7"]);
  expect(drawn("y")[0]).toBe("y: qa | a 4 | b 7");
});

test("a filter leaves out the rows that do not match, and what is then empty", () => {
  expect(drawn("x", "B y")).toEqual(["y: qa | b 7"]);
  expect(drawn("x", "none")).toEqual([]);
});

test("many stages stand one under the other, and so do a few on a phone", () => {
  const table = (nStages: number) => ({
    project: "x",
    stages: Array.from({ length: nStages }, String),
    colours: new Map<string, number>(),
    rows: [{ service: "a", cells: [] }],
  });
  expect([isTall(table(5), false), isTall(table(5), true), isTall(table(40), false)]).toEqual([false, true, true]);
});

test("a version that failed is named beside the one that is there, and only its own service has it in git", () => {
  const failed = { ...cell("x", "e2e", "1.5.1"), state: "failed", next: "fund-transfer 1.5.2", inGit: "fund-transfer 1.5.2" };
  expect([about(failed, "fund-transfer"), gitHas(failed, "fund-transfer")]).toEqual(["1.5.2", "1.5.2"]);
  expect([about(failed, "account-info"), gitHas(failed, "account-info")]).toEqual(["fund-transfer 1.5.2", ""]);
  const calm = { ...cell("x", "qa", "1.5.1"), next: "fund-transfer 1.5.2" };
  expect([about(calm, "fund-transfer"), gitHas(calm, "fund-transfer")]).toEqual(["", ""]);
  const table = tablesOf({ services: ["fund-transfer"], rows: [{ service: "fund-transfer", cells: [failed] }] }, "x", "1.5.2");
  expect(table.length).toBe(1);
});
