import { expect, test } from "vitest";
import { takeFragment } from "./link.ts";

const shown: string[] = [];
const history = { state: null, replaceState: (_: unknown, __: string, url: string) => shown.push(url) } as unknown as History;
const at = (hash: string) => ({ pathname: "/p/bank", search: "?stage=qa", hash }) as Location;

test("the link is taken out of the URL before it is used", () => {
  expect(takeFragment(at("#link=abc-_1"), history).link).toBe("abc-_1");
  expect(shown).toEqual(["/p/bank?stage=qa"]);
  expect(takeFragment(at("#elsewhere"), history)).toEqual({ link: null, refused: null });
  expect(takeFragment(at(""), history).link).toBeNull();
  expect(shown).toHaveLength(1);
});

test("a refusal brings a code and a log id, and nothing that could be read as a sentence", () =>
  expect(takeFragment(at("#refused=state&id=4f2a<b>call us</b>"), history).refused).toEqual({ code: "state", id: "4f2abcallusb" }));
