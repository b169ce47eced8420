// How one freight differs from another, artifact by artifact.
import type { Artifact } from "../shared/api/types.ts";

export interface Difference {
  url: string;
  from: string;
  to: string;
}

const exact = (one: Artifact | undefined) => one?.digest ?? one?.commit ?? one?.tag ?? "";
const named = (one: Artifact | undefined) => one?.tag ?? (one?.commit ?? one?.digest?.replace(/^\w+:/, ""))?.slice(0, 8) ?? "nothing";

/** What differs, from the other to this one; a tag that was moved to another digest differs too, and says so. */
export function differences(from: readonly Artifact[], to: readonly Artifact[]): Difference[] {
  const key = (one: Artifact) => `${one.kind} ${one.url}`;
  const [before, after] = [new Map(from.map((one) => [key(one), one])), new Map(to.map((one) => [key(one), one]))];
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((at) => exact(before.get(at)) !== exact(after.get(at)))
    .map((at) => {
      const [a, b] = [before.get(at), after.get(at)];
      const isMoved = a !== undefined && b !== undefined && named(a) === named(b);
      return { url: (a ?? b)?.url ?? at, from: named(a), to: isMoved ? `${named(b)}, another digest` : named(b) };
    });
}
