// What an API token may do: its owner's rights, narrowed to projects and to groups of verbs that people think in.
import type { Scope } from "../shared/api/types.ts";

/** A choice of the page, and the verbs of the API that it stands for. */
export const VERBS = {
  read: ["get", "list", "watch"],
  // A promotion and its plan are objects that are created, an approval is a patch: the verb `promote` decides whether.
  promote: ["promote", "refresh", "create", "patch"],
  refresh: ["refresh"],
  write: ["create", "update", "patch", "delete"],
} as const;
export type VerbChoice = keyof typeof VERBS;

/** Nothing chosen narrows nothing; what promotes has to read as well. */
export function scopeOf(projects: string[], choices: VerbChoice[]): Scope | undefined {
  if (projects.length === 0 && choices.length === 0) return undefined;
  const chosen = choices.length === 0 ? [] : [...new Set<VerbChoice>(["read", ...choices])];
  const verbs = new Set(chosen.flatMap((choice): readonly string[] => VERBS[choice]));
  return { projects, verbs: [...verbs] };
}

export function scopeInWords({ projects, verbs }: Scope): string {
  const what = verbs.length === 0 ? "all you may" : verbs.join(", ");
  return projects.length === 0 ? what : `${what} in ${projects.join(", ")}`;
}
