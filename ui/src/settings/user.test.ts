import { expect, test } from "vitest";
import { listOf, localName } from "./user.ts";

test("only a local user has a password here", () => {
  const check = (user: string, wanted: string | null) => expect(localName(user)).toBe(wanted);
  check("user:bob", "bob");
  check("admin", null);
  check("oidc:https://idp#bob", null);
  check("system:serviceaccount:bank:ci", null);
});

test("groups are words, however they are parted", () =>
  expect(listOf(" developers, promoters  x,")).toEqual(["developers", "promoters", "x"]));
