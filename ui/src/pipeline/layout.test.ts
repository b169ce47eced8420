import { expect, test } from "vitest";
import { edgesOf, layout } from "./layout.ts";

const stage = (name: string, upstream: string[], index: number, warehouses = ["w"]) => ({ name, upstream, warehouses, index });
const columns = (input: Parameters<typeof layout>[0]) =>
  Object.fromEntries(layout(input).map((place) => [place.id.replace(/^\w+\//, ""), place.column]));

test("stages stand behind all they follow", () => {
  const stages = [stage("qa", [], 0), stage("e2e", ["qa"], 1), stage("perf", ["qa"], 2), stage("prod", ["e2e", "qa", "perf"], 3)];
  expect(columns({ warehouses: ["w"], stages })).toEqual({ w: 0, qa: 1, e2e: 2, perf: 2, prod: 3 });
});

test("no two nodes stand on one another, and a chain is a straight line", () => {
  const stages = [stage("a", [], 0), ...Array.from({ length: 20 }, (_, n) => stage(`b${n}`, ["a"], n + 1)), stage("c", ["b3"], 21)];
  const places = layout({ warehouses: ["w"], stages });
  expect(new Set(places.map((place) => `${place.x} ${place.y}`)).size).toBe(places.length);
  const line = layout({ warehouses: ["w"], stages: [stage("a", [], 0), stage("b", ["a"], 1), stage("c", ["b"], 2)] });
  expect(new Set(line.map((place) => place.y)).size).toBe(1);
});

test("a warehouse leads only to stages that take from it directly, and unknown names lead nowhere", () => {
  expect(edgesOf({ warehouses: ["w"], stages: [stage("a", [], 0, ["w", "gone"]), stage("b", ["a"], 1), stage("c", ["gone"], 2)] })).toEqual(
    [
      { from: "warehouse/w", to: "stage/a" },
      { from: "stage/a", to: "stage/b" },
    ],
  );
});

test("a circle does not hang", () =>
  expect(layout({ warehouses: [], stages: [stage("a", ["b"], 0), stage("b", ["a"], 1)] })).toHaveLength(2));

test("500 stages are laid out at once", () => {
  const stages = Array.from({ length: 500 }, (_, n) => stage(`s${n}`, n === 0 ? [] : [`s${Math.floor((n - 1) / 3)}`], n));
  const before = performance.now();
  layout({ warehouses: ["w"], stages });
  expect(performance.now() - before).toBeLessThan(200);
});
