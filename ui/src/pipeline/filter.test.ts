import { expect, test } from "vitest";
import { stage } from "../shared/live/examples.ts";
import { stageMatches } from "./filter.ts";

test("a stage is found by name, version, state and what git has; every word counts", () => {
  const e2e = stage("e2e", 1, { has: "fund-transfer 1.5.1", state: "failed", inGit: "fund-transfer 1.5.2" });
  const check = (filter: string, wanted: boolean) => expect(stageMatches(e2e, filter), filter).toBe(wanted);
  check("", true);
  check("E2E", true);
  check("1.5.1", true);
  check("1.5.2 failed", true);
  check("1.5.2 verified", false);
  check("prod", false);
});
