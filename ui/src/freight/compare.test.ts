import { expect, test } from "vitest";
import { differences } from "./compare.ts";

const image = (tag: string, digest = tag) => ({ kind: "image", url: "r/a", tag, digest: `sha256:${digest}` });

test("only what differs is told", () => {
  expect(differences([image("1")], [image("1")])).toEqual([]);
  expect(differences([image("1")], [image("2")])).toEqual([{ url: "r/a", from: "1", to: "2" }]);
  expect(differences([], [image("2")])).toEqual([{ url: "r/a", from: "nothing", to: "2" }]);
});

test("a tag that was moved says so", () => expect(differences([image("1", "aa")], [image("1", "bb")])[0]?.to).toBe("1, another digest"));
test("a commit goes by its first characters", () =>
  expect(differences([], [{ kind: "git", url: "g", commit: "0123456789" }])[0]?.to).toBe("01234567"));
