import { expect, test } from "vitest";
import { cutMiddle, lastOf, partsOf, short } from "./version.ts";

test("a long version is cut in its middle, and keeps its beginning and its end", () => {
  const check = (text: string, max: number, wanted: string) => {
    const cut = cutMiddle(text, max);
    expect(cut).toBe(wanted);
    expect([...cut].length).toBeLessThanOrEqual(max);
  };
  check("1.5.1", 14, "1.5.1");
  check("1.5.0-rc.1+build.20261121.4", 14, "1.5.0-rc…121.4");
  check("1.6.0-rc.1+build.4f9a1c", 16, "1.6.0-rc…4f9a1c");
  check("12345678901234", 14, "12345678901234");
  check("🦦🦦🦦🦦🦦🦦", 4, "🦦🦦…🦦");
});

test("a label is names and versions", () => {
  expect(partsOf("fund-transfer 1.5.1")).toEqual([{ name: "fund-transfer", version: "1.5.1" }]);
  expect(partsOf("account-info 2.3.0, fund-transfer 1.5.1").map((part) => part.version)).toEqual(["2.3.0", "1.5.1"]);
  expect(partsOf("1.5.1")).toEqual([{ name: "", version: "1.5.1" }]);
  expect(partsOf("–")).toEqual([]);
  expect(partsOf("")).toEqual([]);
});

test("a digest is compared by its first characters, a source called by its last name", () => {
  expect(short("sha256:1234567890ab")).toBe("12345678");
  expect(short("v1:abcdef0123456789", 12)).toBe("abcdef012345");
  expect(lastOf("http://127.0.0.1:7480/bank.git")).toBe("bank");
  expect(lastOf("127.0.0.1:7450/fund-transfer")).toBe("fund-transfer");
});
