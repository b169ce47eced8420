import { expect, test } from "vitest";
import { isTall, tablesOf } from "./table.ts";

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
    rows: [{ service: "a", cells: [] }],
  });
  expect([isTall(table(5), false), isTall(table(5), true), isTall(table(40), false)]).toEqual([false, true, true]);
});
