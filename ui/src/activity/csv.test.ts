import { expect, test } from "vitest";
import { csvOf } from "./csv.ts";

const item = (message: string) => ({
  at: "2026-11-21T14:05:09Z",
  actor: "bob",
  reason: "PromotionFailed",
  object: { kind: "Promotion", name: "p" },
  message,
});

test("commas, quotes and lines are kept inside their field", () => {
  expect(csvOf([item('a, "b"\nc')])).toBe(
    'at,actor,reason,kind,name,stage,freight,version,message\r\n2026-11-21T14:05:09Z,bob,PromotionFailed,Promotion,p,,,,"a, ""b""\nc"\r\n',
  );
});

test("the stage and the freight are fields of their own, and as harmless as the others", () => {
  const [, row] = csvOf([{ ...item("told"), stage: "qa", freight: "f1", version: "@sum(1) 1.5.1" }]).split("\r\n");
  expect(row).toBe("2026-11-21T14:05:09Z,bob,PromotionFailed,Promotion,p,qa,f1,'@sum(1) 1.5.1,told");
});

test("what a spreadsheet would run is text", () => expect(csvOf([item("=1+1")])).toContain(",'=1+1\r\n"));
