// What differs between the plan that is shown and the plan as it would be now.
import type { PlanView } from "../shared/api/types.ts";

/** The planned paths that would now be written differently, newly, or not any more. */
export function movedPaths(shown: PlanView, now: PlanView): string[] {
  const of = (plan: PlanView) => new Map(plan.files.map((file) => [`${file.repository} ${file.branch} ${file.path}`, file]));
  const [before, after] = [of(shown), of(now)];
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys]
    .filter((key) => {
      const [a, b] = [before.get(key), after.get(key)];
      return a?.diff !== b?.diff || a?.mode !== b?.mode;
    })
    .map((key) => (before.get(key) ?? after.get(key))?.path ?? key);
}

/** What may be promoted, or why not. */
export function refusalOf(plan: PlanView): string | null {
  if (plan.failure) return plan.failure.message;
  if (!plan.canStart.now) return plan.canStart.reason ?? "it could not start now";
  return null;
}

/** Whether what was answered is worth making again unasked: not a refusal, and not a plan that failed. */
export function staysTrue({ data, error }: { data?: PlanView | undefined; error: unknown }): boolean {
  return error === null && !data?.failure;
}
