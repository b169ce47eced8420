import { expect, test } from "vitest";
import { tableOf } from "./table.ts";

const cell = (project: string, stage: string, version: string) => ({ project, stage, version, state: "unchecked" });
const answer = {
  services: ["a", "b"],
  rows: [
    { service: "a", cells: [cell("x", "qa", "1"), cell("x", "prod", "0")] },
    { service: "b", cells: [cell("y", "qa", "7")] },
  ],
};

test("stages of one name in two projects are two columns, and each cell stands in its own", () => {
  const table = tableOf(answer);
  expect(table.columns.map((column) => `${column.project}/${column.stage}`)).toEqual(["x/qa", "x/prod", "y/qa"]);
  expect(table.rows.map((row) => row.cells.map((one) => one?.version ?? "-"))).toEqual([
    ["1", "0", "-"],
    ["-", "-", "7"],
  ]);
});

test("a filter leaves out the rows that do not match, and the columns that are then empty", () => {
  const table = tableOf(answer, "B y");
  expect(table.rows.map((row) => row.service)).toEqual(["b"]);
  expect(table.columns).toHaveLength(1);
});
