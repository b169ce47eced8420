import { expect, test } from "vitest";
import { LiveBoard, revisionNumber, type Topic } from "./board.ts";
import { board, stage } from "./examples.ts";

function watched(live: LiveBoard, ...topics: Topic[]) {
  const woken: string[] = [];
  for (const topic of topics) live.subscribe(topic, () => woken.push(topic));
  return woken;
}

test("a change wakes those who read that object, and nobody else", () => {
  const live = new LiveBoard("bank");
  live.replace(board(1, [stage("qa", 0), stage("e2e", 1)]));
  const qa = live.get("stages", "qa");
  const woken = watched(live, "stages/qa", "stages/e2e", "freight", "answers");
  live.apply({ revision: 2, stages: [stage("e2e", 1, { state: "promoting" })] });
  expect(woken).toEqual(["stages/e2e"]);
  expect(live.get("stages", "qa")).toBe(qa);
});

test("a change that says what is known already wakes nobody", () => {
  const live = new LiveBoard("bank");
  live.replace(board(1, [stage("qa", 0)]));
  const list = live.list("stages");
  const woken = watched(live, "stages", "stages/qa");
  live.apply({ revision: 2, stages: [stage("qa", 0)] });
  live.replace(board(3, [stage("qa", 0)]));
  expect(woken).toEqual([]);
  expect(live.list("stages")).toBe(list);
});

test("an older change than the board is ignored", () => {
  const live = new LiveBoard("bank");
  live.replace(board(5, [stage("qa", 0, { state: "verified" })]));
  live.apply({ revision: 4, stages: [stage("qa", 0, { state: "promoting" })] });
  expect(live.get("stages", "qa")?.state).toBe("verified");
});

test("after a resync the revisions may begin anew, and what is gone is gone", () => {
  const live = new LiveBoard("bank");
  live.replace(board(900, [stage("qa", 0), stage("old", 1)]));
  live.replace(board(2, [stage("qa", 0)]));
  live.apply({ revision: 3, stages: [stage("qa", 0, { state: "failed" })] });
  expect(live.get("stages", "qa")?.state).toBe("failed");
  expect(live.get("stages", "old")).toBeUndefined();
});

test("what a change removes is told", () => {
  const live = new LiveBoard("bank");
  live.replace(board(1, [stage("qa", 0), stage("e2e", 1)]));
  const woken = watched(live, "stages/e2e", "stages");
  live.apply({ revision: 2, gone: { stages: ["e2e", "never"] } });
  expect(woken).toEqual(["stages/e2e", "stages"]);
  expect(live.list("stages").map((one) => one.name)).toEqual(["qa"]);
});

test("answers come one by one, and go by their key", () => {
  const answer = (name: string, cause: string) => ({
    kind: "Stage",
    name,
    state: "failed",
    reason: "",
    cause,
    waitsFor: "",
    releases: "",
    hint: "",
  });
  const live = new LiveBoard("bank");
  live.replace({ ...board(1, [stage("qa", 0), stage("e2e", 1)]), answers: [answer("e2e", "a"), answer("qa", "a")] });
  const said = () => live.answers.map((one) => `${one.name} ${one.cause}`);
  expect(said()).toEqual(["qa a", "e2e a"]);
  live.apply({ revision: 2, answers: [answer("e2e", "b")] });
  expect(said()).toEqual(["qa a", "e2e b"]);
  live.apply({ revision: 3, gone: { answers: ["Stage/qa"] } });
  expect(said()).toEqual(["e2e b"]);
});

test("stages stand in the server's order", () => {
  const live = new LiveBoard("bank");
  live.replace(board(1, [stage("prod", 2), stage("qa", 0), stage("e2e", 1)]));
  expect(live.list("stages").map((one) => one.name)).toEqual(["qa", "e2e", "prod"]);
});

test("10,000 updates leave no more listeners or objects than there were", () => {
  const live = new LiveBoard("bank");
  live.replace(board(0, [stage("qa", 0)]));
  for (let revision = 1; revision <= 10_000; revision += 1) {
    live.subscribe("stages/qa", () => {})();
    live.apply({ revision, stages: [stage("qa", 0, { since: String(revision) })] });
  }
  expect(live.list("stages")).toHaveLength(1);
  expect(live.revision).toBe(10_000);
});

test("a revision is a number, with or without its epoch", () => expect([revisionNumber(7), revisionNumber("3f:7")]).toEqual([7, 7]));

test("promotions of one second are in the order in which they were made, newest first, whatever their stages are called", () => {
  const live = new LiveBoard("bank");
  const row = (name: string) => ({
    name,
    stage: name.split(".")[0] ?? "",
    freight: "f",
    label: "fund-transfer 1.5.0",
    phase: "Succeeded",
    message: "",
    actor: "bob",
    createdAt: "2026-11-21T20:00:00Z",
  });
  live.replace({ ...board(1, []), promotions: [row("staging.01m3.f"), row("qa.01m1.f"), row("e2e.01m2.f")] });
  expect(live.list("promotions").map((one) => one.stage)).toEqual(["staging", "e2e", "qa"]);
});

test("a stage's colour is its name's: one that comes wakes only those who give way to it", () => {
  const live = new LiveBoard("bank");
  live.replace(board(1, [stage("qa", 0), stage("e2e", 1), stage("staging", 2)]));
  const colours = () => new Map(live.list("stages").map((one) => [one.name, one.colour]));
  const before = colours();
  expect(new Set(before.values()).size).toBe(3);
  live.apply({ revision: 2, stages: [stage("staging", 2, { state: "promoting" })] });
  expect(colours()).toEqual(before);
  const woken = watched(live, "stages/qa", "stages/e2e", "stages/staging");
  live.apply({ revision: 3, stages: [stage("prod", 3)] });
  const after = colours();
  expect(new Set(after.values()).size).toBe(4);
  const moved = [...before].filter(([name, colour]) => after.get(name) !== colour).map(([name]) => `stages/${name}`);
  expect(woken).toEqual(moved);
  live.allow({ promote: ["qa"], approve: false, refresh: false, write: false });
  expect(colours()).toEqual(after);
});
