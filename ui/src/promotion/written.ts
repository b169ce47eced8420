// What was planned beside what was written: the pairs of files, and whether the two are equal.
import type { Planned, PlannedFile, Written } from "../shared/api/types.ts";

export interface Pair {
  path: string;
  repository: string;
  branch: string;
  planned?: PlannedFile;
  written?: PlannedFile;
  isEqual: boolean;
}

const key = (file: PlannedFile) => `${file.repository} ${file.branch} ${file.path}`;

/** Whether its files are known: a run that did not write what was planned keeps only its commits. */
export const hasFiles = (written: Written | null | undefined): boolean =>
  written !== null && written !== undefined && (written.files.length > 0 || written.commits.length === 0);

/** Every file of either, those that differ first. */
export function pairsOf(planned: Planned | null | undefined, written: Written | null | undefined): Pair[] {
  const before = new Map(planned?.files.map((file) => [key(file), file]));
  const after = new Map(written?.files.map((file) => [key(file), file]));
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
        isEqual: a !== undefined && b !== undefined && a.diff === b.diff && a.mode === b.mode && a.binary === b.binary,
      };
    })
    .filter((pair) => pair !== undefined)
    .sort((a, b) => Number(a.isEqual) - Number(b.isEqual));
}

/** By the digests where both are known, else by the files themselves; null where that cannot be told. */
export function isAsPlanned(planned: Planned | null | undefined, written: Written | null | undefined): boolean | null {
  if (!planned || !written) return null;
  if (planned.digest !== "" && written.digest !== "") return planned.digest === written.digest;
  return hasFiles(written) ? pairsOf(planned, written).every((pair) => pair.isEqual) : null;
}
