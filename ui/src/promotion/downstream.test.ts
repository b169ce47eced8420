import { expect, test } from "vitest";
import { stage } from "../shared/live/examples.ts";
import { NO_RIGHTS, stageForYou } from "../shared/live/rights.ts";
import { downstreamOf } from "./downstream.ts";

test("what comes directly after a stage, through those that only pass on", () => {
  const stages = [
    stage("qa", 0),
    stage("load", 1, { upstream: ["qa"] }),
    stage("fan-in", 2, { upstream: ["qa"], controlFlow: true }),
    stage("prod", 3, { upstream: ["fan-in"] }),
    stage("later", 4, { upstream: ["prod"] }),
  ].map((one) => stageForYou(one, NO_RIGHTS, 0));
  const check = (name: string, wanted: string[]) => expect(downstreamOf(name, stages).map((one) => one.name)).toEqual(wanted);
  check("qa", ["load", "prod"]);
  check("prod", ["later"]);
  check("later", []);
});
