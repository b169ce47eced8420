import { expect, test } from "vitest";
import { nearest } from "./move.ts";
import { NO_RIGHTS } from "../live/rights.ts";
import { keysFor, Sequence } from "./keys.ts";

test("g and another key are one; alone, late or after another key they are not", () => {
  const sequence = new Sequence();
  const press = (key: string, at: number, isModified = false) => sequence.take(key, isModified, at);
  expect(press("g", 0)).toBe("");
  expect(press("w", 300)).toBe("g w");
  expect(press("w", 400)).toBe("w");
  expect(press("g", 1_000)).toBe("");
  expect(press("p", 9_000)).toBe("p");
  expect(press("K", 9_100, true)).toBe("mod+k");
});

test("a key is listed to who may do what it does", () => {
  const listed = (rights: Partial<typeof NO_RIGHTS>) => keysFor({ ...NO_RIGHTS, ...rights }).map(([key]) => key);
  expect(listed({})).not.toContain("p");
  expect(listed({})).not.toContain("Ctrl-Enter");
  expect(listed({ promote: ["qa"] })).toContain("p");
  expect(listed({ write: true })).toContain("Ctrl-Enter");
  expect(listed({})).toContain("w");
});

const box = (left: number, top: number) => ({ left, top, width: 10, height: 10 });

test("arrows go to the nearest in their direction", () => {
  const boxes = [box(0, 0), box(20, 0), box(40, 0), box(20, 100)];
  expect(nearest(boxes, 0, "right")).toBe(1);
  expect(nearest(boxes, 2, "left")).toBe(1);
  expect(nearest(boxes, 1, "down")).toBe(3);
  expect(nearest(boxes, 3, "up")).toBe(1);
  expect(nearest(boxes, 0, "left")).toBe(-1);
});
