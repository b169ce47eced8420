import { expect, test } from "vitest";
import { absolute, ago, compact, took } from "./time.ts";

const at = "2026-11-21T14:05:09Z";
const then = Date.parse(at);

test("how long ago, in the largest whole unit", () => {
  const check = (seconds: number, wanted: string) => expect(ago(at, then + seconds * 1_000)).toBe(wanted);
  check(0, "0s");
  check(4, "4s");
  check(60, "1m");
  check(3_599, "59m");
  check(7_200, "2h");
  check(86_400 * 3, "3d");
  check(-40, "in 40s");
});

test("what is no time is shown as it is", () => expect(ago("soon", then)).toBe("soon"));
test("the instant itself carries its zone", () => expect(absolute(at)).toMatch(/^2026-11-2\d \d\d:05:09( [+-]\d\d:\d\d|Z)$/));

test("an instant in little room: the time today, the day before that", () => {
  const now = new Date(2026, 10, 21, 15, 0, 0).getTime();
  const check = (then: Date, wanted: string) => expect(compact(then.toISOString(), now)).toBe(wanted);
  check(new Date(2026, 10, 21, 14, 5, 9), "14:05:09");
  check(new Date(2026, 10, 20, 14, 5, 9), "11-20 14:05");
  check(new Date(2025, 0, 2, 14, 5, 9), "2025-01-02");
});

test("how long it took", () => {
  expect(took(at, "2026-11-21T14:05:09.120Z")).toBe("120 ms");
  expect(took(at, "2026-11-21T14:05:11.400Z")).toBe("2.4 s");
  expect(took(at, "2026-11-21T14:07:10Z")).toBe("2 m 1 s");
});
