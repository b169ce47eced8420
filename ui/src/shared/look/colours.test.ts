import { expect, test } from "vitest";
import { coloursOf } from "./colours.ts";

const BANK = ["qa", "e2e", "staging", "prod-eu", "prod-us"];
const changed = (before: readonly string[], after: readonly string[]) => {
  const [was, is] = [coloursOf(before), coloursOf(after)];
  return before.filter((name) => after.includes(name) && was.get(name) !== is.get(name));
};

test("as long as there are colours, no two stages have one", () => {
  expect(new Set(coloursOf(BANK).values()).size).toBe(BANK.length);
  const eight = [...BANK, "uat", "canary", "prod-asia"];
  expect(new Set(coloursOf(eight).values()).size).toBe(8);
});

test("a stage that comes at the end moves none whose colour is its own", () => {
  for (const name of ["prod-asia", "canary", "load", "archive", "dr", "uat", "pen-test"]) {
    const before = coloursOf(BANK);
    const alone = BANK.filter((stage) => coloursOf([stage]).get(stage) === before.get(stage));
    const moved = changed(BANK, [...BANK, name]);
    expect(moved.filter((stage) => alone.includes(stage))).toEqual([]);
    expect(moved.length).toBeLessThanOrEqual(BANK.length - alone.length);
  }
});

test("the colour is the name's: where nobody has to give way, the place in the pipeline says nothing", () => {
  const apart = BANK.filter((name, at) => BANK.findIndex((other) => coloursOf([other]).get(other) === coloursOf([name]).get(name)) === at);
  expect(apart.length).toBeGreaterThan(2);
  expect(coloursOf([...apart].reverse())).toEqual(new Map([...coloursOf(apart)].reverse()));
  expect(changed(apart, apart.slice(1))).toEqual([]);
});

test("of more stages than colours each has one of the set", () => {
  const many = Array.from({ length: 40 }, (_, n) => `team-${n}`);
  const colours = coloursOf(many);
  expect(colours.size).toBe(40);
  expect(new Set(colours.values())).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
  expect(changed(many, [...many, "one-more"])).toEqual([]);
});
