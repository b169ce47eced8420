// One filter for the whole pipeline: `1.5.1`, `prod`, `failed`, `calm-heron`, or several of them.
import type { FreightView, StageView } from "../shared/api/types.ts";

const matches = (text: string, filter: string) => {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => text.toLowerCase().includes(word));
};

/** By its name, its versions, its state; what git has counts as well. */
export const stageMatches = (stage: StageView, filter: string) =>
  matches([stage.name, stage.has, stage.next, stage.inGit ?? "", stage.state].join(" "), filter);

/** By its versions, alias, hash, and the stages it is in. */
export const freightMatches = (freight: FreightView, filter: string) =>
  matches([freight.label, freight.version, freight.alias, freight.name, ...freight.in].join(" "), filter);
