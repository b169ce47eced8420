import { expect, test } from "vitest";
import type { ArtifactAt, ArtifactDifference } from "../shared/api/types.ts";
import { versionsOf } from "./difference.ts";

const difference = (from: ArtifactAt | null, to: ArtifactAt | null): ArtifactDifference => ({
  kind: "image",
  url: "r/a",
  from,
  to,
  commits: [],
  truncated: false,
});

test("versions, and only where they differ", () => {
  const check = (from: ArtifactAt | null, to: ArtifactAt | null, wanted: { from: string; to: string } | null) =>
    expect(versionsOf(difference(from, to))).toEqual(wanted);
  check({ version: "1", digest: "a" }, { version: "1", digest: "a" }, null);
  check({ version: "1", digest: "a" }, { version: "2", digest: "b" }, { from: "1", to: "2" });
  check({ version: "1", digest: "a" }, { version: "1", digest: "b" }, { from: "1", to: "1, another digest" });
  check(null, { version: "", commit: "0123456789" }, { from: "nothing", to: "01234567" });
});
