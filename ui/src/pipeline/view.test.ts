import { expect, test } from "vitest";
import { fit, reveal } from "./view.ts";

const space = { width: 1000, height: 200 };

test("a small graph is shown whole, in the middle, never enlarged", () => {
  expect(fit([{ x: 0, y: 0 }, { x: 220, y: 0 }], space)).toEqual({ zoom: 1, x: (1000 - 396) / 2, y: 42 });
});

test("a graph that would be too small to read shows its beginning", () => {
  const view = fit(Array.from({ length: 40 }, (_, n) => ({ x: n * 220, y: 0 })), space);
  expect(view.zoom).toBe(0.8);
  expect(view.x).toBe(16);
});

test("a node that is seen is left where it is; one that is hidden comes in by the shortest way", () => {
  const view = { x: 0, y: 20, zoom: 1 };
  const check = (x: number, covered: number, wanted: number | null) => expect(reveal({ x, y: 0 }, view, space, covered)?.x ?? null).toBe(wanted);
  check(400, 0, null);
  check(400, 470, -62);
  check(-100, 0, 116);
  check(950, 0, -142);
});
