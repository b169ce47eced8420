// How two versions of one artifact are told apart in words.
import type { ArtifactAt, ArtifactDifference } from "../shared/api/types.ts";
import { short } from "../shared/look/version.ts";

const named = (at: ArtifactAt | null | undefined) => (at ? at.version || short(at.commit ?? at.digest ?? "") : "nothing");
const exact = (at: ArtifactAt | null | undefined) => at?.digest ?? at?.commit ?? at?.version ?? "";

/** The two versions; null if they are the same artifact. A tag that was moved says so. */
export function versionsOf({ from, to }: ArtifactDifference): { from: string; to: string } | null {
  if (exact(from) === exact(to)) return null;
  const [before, after] = [named(from), named(to)];
  return { from: before, to: before === after ? `${after}, another digest` : after };
}
