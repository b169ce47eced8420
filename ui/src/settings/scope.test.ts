import { expect, test } from "vitest";
import { scopeInWords, scopeOf } from "./scope.ts";

test("nothing chosen narrows nothing; what is chosen can also read", () => {
  expect(scopeOf([], [])).toBeUndefined();
  expect(scopeOf(["bank"], [])).toEqual({ projects: ["bank"], verbs: [] });
  expect(scopeOf([], ["promote"])?.verbs).toEqual(["get", "list", "watch", "promote", "refresh", "create", "patch"]);
});

test("a scope is said in words", () => {
  expect(scopeInWords({ projects: [], verbs: [] })).toBe("all you may");
  expect(scopeInWords({ projects: ["bank"], verbs: ["get", "list"] })).toBe("get, list in bank");
});
