import { expect, test } from "vitest";
import type { Answer } from "../api/types.ts";
import { LiveBoard } from "../live/board.ts";
import { board, stage } from "../live/examples.ts";
import { choicesOf, foundElsewhere, matching } from "./choices.ts";
import { validateSearch } from "./search.ts";
import { sortAnswers } from "./answers.ts";

const answer = (state: string, waitsFor: string, kind = "Stage"): Answer => ({
  kind,
  name: `${state} ${waitsFor}`,
  state,
  reason: "",
  cause: "",
  waitsFor,
  releases: "",
  hint: "",
});

test("what waits for you, for others, and what is stuck are told apart; what waits for time is none of them", () => {
  const { you, others, stuck } = sortAnswers([
    answer("waiting", "you: manual promotion"),
    answer("waiting", "a promoter: manual promotion"),
    answer("waiting", "41s of soak"),
    answer("failed", ""),
    answer("blocked", "the right credentials", "Warehouse"),
    answer("failed", "", "Promotion"),
  ]);
  expect([you.length, others.length, stuck.length]).toEqual([1, 1, 2]);
});

const freight = (version: string, mayGoTo: string[]) => ({
  name: `hash${version}`,
  alias: "calm-heron",
  label: `fund-transfer ${version}`,
  version,
  warehouse: "images",
  foundAt: version,
  artifacts: [],
  in: [],
  verifiedIn: [],
  approvedFor: [],
  mayGoTo,
});

test("the palette finds stages, freight by version and plans, and offers no plan that one may not ask for", () => {
  const live = new LiveBoard("bank");
  live.replace({
    ...board(1, [stage("qa", 0), stage("prod-eu", 1), stage("prod-us", 2)]),
    rights: { promote: ["qa", "prod-eu"], approve: true, refresh: true, write: true },
    freight: [freight("1.5.1", ["prod-eu", "prod-us"])],
  });
  const found = (question: string) => matching(choicesOf(live, {}), question).map((one) => `${one.verb} ${one.text}`);
  expect(found("1.5.1")).toEqual(["plan prod-eu ← fund-transfer 1.5.1", "freight fund-transfer 1.5.1"]);
  expect(found("prod 1.5.1")[0]).toBe("plan prod-eu ← fund-transfer 1.5.1");
  expect(found("what is")).toEqual(["go to what is where"]);
  expect(found("nowhere")).toEqual([]);
  expect(choicesOf(live, { stage: "prod-us" })).toEqual([]);
});

test("what the server found beside the board: promotions and other projects, nothing twice", () => {
  const live = new LiveBoard("bank");
  live.replace(board(1, [stage("qa", 0)]));
  const found = (kind: string, project: string, name: string) => ({ kind, project, name, label: name, detail: "" });
  const more = foundElsewhere(
    [found("stage", "bank", "qa"), found("stage", "insurance", "qa"), found("promotion", "bank", "qa.1"), found("secret", "bank", "x")],
    choicesOf(live, {}),
    "bank",
  );
  expect(more.map((one) => `${one.verb} ${one.text} ${one.detail}`)).toEqual(["stage qa in insurance", "promotion qa.1 "]);
});

test("a URL gives what belongs there, and nothing else", () => {
  expect(validateSearch({ stage: "qa", filter: "", other: "x", with: 151, kind: { a: 1 } })).toEqual({ stage: "qa", with: "151" });
});
