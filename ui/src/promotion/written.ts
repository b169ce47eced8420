// What was planned beside what git says was written: the pairs of files, and whether the two are equal.
import type { Planned, PlannedFile, Written, WrittenFiles } from "../shared/api/types.ts";

export interface Pair {
  path: string;
  repository: string;
  branch: string;
  planned?: PlannedFile;
  written?: PlannedFile;
  isEqual: boolean;
}

const key = (file: PlannedFile) => `${file.repository} ${file.branch} ${file.path}`;

/** Every file of either, those that differ first. Equal is what has the same content and mode: differences may be cut. */
export function pairsOf(planned: Planned | null | undefined, told: WrittenFiles | null | undefined): Pair[] {
  const before = new Map(planned?.files.map((file) => [key(file), file]));
  const after = new Map(told?.files.map((file) => [key(file), file]));
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((at): Pair | undefined => {
      const [a, b] = [before.get(at), after.get(at)];
      const file = b ?? a;
      if (!file) return undefined;
      const { path, repository, branch } = file;
      return {
        path,
        repository,
        branch,
        ...(a ? { planned: a } : {}),
        ...(b ? { written: b } : {}),
        isEqual: a !== undefined && b !== undefined && a.newBlob === b.newBlob && a.mode === b.mode,
      };
    })
    .filter((pair) => pair !== undefined)
    .sort((a, b) => Number(a.isEqual) - Number(b.isEqual));
}

/** Whether git has told of every file. */
export const isWhole = (told: WrittenFiles | null | undefined): told is WrittenFiles =>
  told !== null && told !== undefined && !told.truncated && told.unknown.length === 0;

/** By what git tells, where it tells all; else by the digests; null where that cannot be told. */
export function isAsPlanned(
  planned: Planned | null | undefined,
  written: Written | null | undefined,
  told: WrittenFiles | null | undefined,
): boolean | null {
  if (!planned || !written) return null;
  if (isWhole(told) && !planned.truncated) return pairsOf(planned, told).every((pair) => pair.isEqual);
  return written.digest === "" ? null : planned.digest === written.digest;
}
