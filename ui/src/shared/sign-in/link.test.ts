import { expect, test } from "vitest";
import { takeLink } from "./link.ts";

test("the link is taken out of the URL before it is used", () => {
  const shown: string[] = [];
  const history = { state: null, replaceState: (_: unknown, __: string, url: string) => shown.push(url) } as unknown as History;
  const at = (hash: string) => ({ pathname: "/p/bank", search: "?stage=qa", hash }) as Location;
  expect(takeLink(at("#link=abc-_1"), history)).toBe("abc-_1");
  expect(shown).toEqual(["/p/bank?stage=qa"]);
  expect(takeLink(at("#elsewhere"), history)).toBeNull();
  expect(takeLink(at(""), history)).toBeNull();
  expect(shown).toHaveLength(1);
});
