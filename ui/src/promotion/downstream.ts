// What comes directly after a stage; what only passes freight on is looked through.
import type { StageForYou } from "../shared/api/types.ts";

export function downstreamOf(stage: string, stages: readonly StageForYou[]): StageForYou[] {
  const found = new Map<string, StageForYou>();
  const passed = new Set<string>();
  const look = (name: string) => {
    if (passed.has(name)) return;
    passed.add(name);
    for (const one of stages) {
      if (!one.upstream.includes(name)) continue;
      if (one.controlFlow) look(one.name);
      else found.set(one.name, one);
    }
  };
  look(stage);
  return [...found.values()].sort((a, b) => a.index - b.index);
}
