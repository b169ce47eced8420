import { expect, test } from "vitest";
import type { FreightView } from "../api/types.ts";
import { stage } from "../live/examples.ts";
import { NO_RIGHTS } from "../live/rights.ts";
import { lacksRight, refusalOf, takes } from "./taken.ts";

const freight: FreightView = {
  name: "h151",
  alias: "calm-heron",
  label: "fund-transfer 1.5.1",
  version: "1.5.1",
  warehouse: "images",
  foundAt: "2026-11-21T14:05:09Z",
  artifacts: [],
  in: [],
  verifiedIn: [],
  approvedFor: [],
  mayGoTo: ["prod-eu", "prod-us", "all"],
};
const mine = (name: string, change = {}) => ({ ...stage(name, 0, change), mayPromote: true, colour: 0 });

test("a stage takes what may go there from who may promote, and not what it has", () => {
  expect(takes(mine("prod-eu"), freight)).toBe(true);
  expect(takes(mine("qa"), freight)).toBe(false);
  expect(takes({ ...mine("prod-eu"), mayPromote: false }, freight)).toBe(false);
  expect(takes(mine("prod-eu", { hasFreight: "h151" }), freight)).toBe(false);
  expect(takes(mine("all", { controlFlow: true }), freight)).toBe(false);
});

test("what the page knows by itself it says; the rest is asked", () => {
  expect(refusalOf(mine("all", { controlFlow: true }), freight)).toContain("passes on what it gets");
  expect(refusalOf(mine("qa", { warehouses: ["charts"] }), freight)).toBe("qa takes freight from charts, and this is from images");
  expect(refusalOf(mine("qa", { hasFreight: "h151" }), freight)).toBe("it is there already");
  expect(refusalOf({ ...mine("qa"), mayPromote: false }, freight)).toContain("you may not promote to qa");
  expect(refusalOf(mine("qa"), freight)).toBe("");
});

test("p says to who may not that a promoter is waited for", () => {
  const some = { ...NO_RIGHTS, promote: ["qa"] };
  expect(lacksRight("bank", { ...mine("qa"), mayPromote: false }, NO_RIGHTS)).toBe("qa waits for a promoter: you may not promote to qa.");
  expect(lacksRight("bank", undefined, NO_RIGHTS)).toContain("you may not promote to any stage of bank");
  expect(lacksRight("bank", mine("qa"), some)).toBe("");
  expect(lacksRight("bank", undefined, some)).toBe("");
});
