import { expect, test } from "vitest";
import { parseDiff } from "./diff.ts";

const show = (diff: string) => parseDiff(diff).map((line) => `${line.kind} ${line.before ?? "-"} ${line.after ?? "-"} ${line.text}`);

test("lines carry their numbers on both sides", () => {
  expect(show("--- a/x\n+++ b/x\n@@ -4,3 +4,3 @@ images:\n - a\n-b: 1\n+b: 2\n c\n")).toEqual([
    "gap - - images:",
    "context 4 4 - a",
    "removed 5 - b: 1",
    "added - 5 b: 2",
    "context 6 6 c",
  ]);
});

test("a line that looks like a file heading inside a hunk is content", () => {
  expect(show("@@ -1 +1 @@\n--- x\n+++ y\n")).toEqual(["gap - - ", "removed 1 - -- x", "added - 1 ++ y"]);
});

test("a second hunk starts anew", () => {
  expect(show("@@ -1 +1 @@\n-a\n+b\n@@ -90,2 +90,2 @@\n-c\n+d\n").slice(3)).toEqual(["gap - - ", "removed 90 - c", "added - 90 d"]);
});

test("an end without newline is said, and an empty difference is empty", () => {
  expect(show("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n")[2]).toBe("gap - - No newline at end of file");
  expect(show("")).toEqual([]);
});
