import { expect, test } from "vitest";
import { fit, heightIn, reveal } from "./view.ts";

const space = { width: 1000, height: 156 };
const chain = (n: number) => Array.from({ length: n }, (_, at) => ({ x: at * 220, y: 0 }));

test("a small graph is shown whole, in the middle, never enlarged", () => {
  expect(fit(chain(2), space)).toEqual({ zoom: 1, x: (1000 - 396) / 2, y: 20 });
  expect(heightIn(chain(2), 1000)).toEqual({ height: 156, isCut: false });
});

test("a graph that is somewhat too wide is drawn smaller; one that would not be readable shows its beginning", () => {
  expect(fit(chain(5), space).zoom).toBeCloseTo(960 / 1056);
  const view = fit(chain(40), space);
  expect(view.zoom).toBe(0.75);
  expect(view.x).toBe(20);
  expect(heightIn(chain(40), 1000).isCut).toBe(true);
});

test("a high graph makes the page longer, up to a limit", () => {
  const column = (n: number) => Array.from({ length: n }, (_, at) => ({ x: 0, y: at * 136 }));
  expect(heightIn(column(4), 1000)).toEqual({ height: 3 * 136 + 116 + 40, isCut: false });
  expect(heightIn(column(100), 1000)).toEqual({ height: 720, isCut: true });
});

test("a node that is seen is left where it is; one that is hidden comes in by the shortest way", () => {
  const view = { x: 0, y: 20, zoom: 1 };
  const check = (x: number, covered: number, wanted: number | null) =>
    expect(reveal({ x, y: 0 }, view, space, covered)?.x ?? null).toBe(wanted);
  check(400, 0, null);
  check(400, 470, -66);
  check(-100, 0, 120);
  check(950, 0, -146);
});
