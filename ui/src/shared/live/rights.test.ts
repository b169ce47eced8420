import { expect, test } from "vitest";
import type { Rights } from "../api/types.ts";
import { LiveBoard } from "./board.ts";
import { board, stage } from "./examples.ts";

const may = (...promote: string[]): Rights => ({ promote, approve: true, refresh: true, write: false });
const waiting = stage("prod-eu", 1, { state: "waiting", waitsFor: "a promoter: manual promotion", hint: "seaway promote prod-eu" });

test("a promoter is you where you may promote, and somebody else where you may not", () => {
  const live = new LiveBoard("bank");
  live.replace({ ...board(1, [waiting]), rights: may("prod-eu") });
  expect(live.get("stages", "prod-eu")).toMatchObject({
    mayPromote: true,
    waitsFor: "you: manual promotion",
    hint: "seaway promote prod-eu",
  });
  live.replace({ ...board(2, [waiting]), rights: may() });
  expect(live.get("stages", "prod-eu")).toMatchObject({ mayPromote: false, waitsFor: "a promoter: manual promotion", hint: "" });
});

test("a right that comes or goes wakes those whom it concerns, and no revision is needed for it", () => {
  const live = new LiveBoard("bank");
  live.replace({ ...board(7, [stage("qa", 0), waiting]), rights: may() });
  const woken: string[] = [];
  live.subscribe("stages/qa", () => woken.push("qa"));
  live.subscribe("stages/prod-eu", () => woken.push("prod-eu"));
  live.allow(may("prod-eu"));
  expect(woken).toEqual(["prod-eu"]);
  expect(live.get("stages", "prod-eu")?.mayPromote).toBe(true);
  live.apply({ revision: 8, stages: [{ ...waiting, since: "later" }] });
  expect(live.get("stages", "prod-eu")).toMatchObject({ mayPromote: true, waitsFor: "you: manual promotion" });
});

test("an answer says you as its stage does", () => {
  const live = new LiveBoard("bank");
  const answer = {
    kind: "Stage",
    name: "prod-eu",
    state: "waiting",
    reason: "",
    cause: "it waits for a promoter",
    waitsFor: "a promoter",
    releases: "",
    hint: "",
  };
  live.replace({ ...board(1, [waiting]), answers: [answer], rights: may() });
  expect(live.answers[0]?.waitsFor).toBe("a promoter");
  live.allow(may("prod-eu"));
  expect(live.answers[0]).toMatchObject({ waitsFor: "you", cause: "it waits for you" });
});
