// Whether a stage takes a piece of freight from the one who looks; and what was meant and cannot be, until something else is.
import { useSyncExternalStore } from "react";
import type { FreightView, Rights, StageForYou } from "../api/types.ts";

export const takes = (stage: StageForYou, freight: FreightView): boolean =>
  stage.mayPromote && !stage.controlFlow && stage.hasFreight !== freight.name && freight.mayGoTo.includes(stage.name);

const waitsForPromoter = (stage: string) => `it waits for a promoter: you may not promote to ${stage}`;

/** What `p` says to who may not, in whole; empty where a right is not what is lacking. */
export function lacksRight(project: string, stage: StageForYou | undefined, rights: Rights): string {
  if (stage && !stage.mayPromote) return `${stage.name} waits for a promoter: you may not promote to ${stage.name}.`;
  if (rights.promote.length === 0) return `What waits here waits for a promoter: you may not promote to any stage of ${project}.`;
  return "";
}

/** Why not, where the page knows it by itself; empty where only the control plane does. */
export function refusalOf(stage: StageForYou, freight: FreightView): string {
  if (stage.controlFlow) return `${stage.name} has no steps: it passes on what it gets, and nothing is promoted to it`;
  if (!stage.warehouses.includes(freight.warehouse))
    return `${stage.name} takes freight from ${stage.warehouses.join(" and ")}, and this is from ${freight.warehouse}`;
  if (stage.hasFreight === freight.name) return `it is there already`;
  if (!stage.mayPromote) return waitsForPromoter(stage.name);
  return "";
}

export interface Meant {
  project: string;
  /** None, where it was only meant to promote something. */
  stage?: string;
  /** None, where no freight was named. */
  freight?: string;
  /** Tells two wishes for the same from each other. */
  n: number;
}

let meant: Meant | null = null;
let n = 0;
const listeners = new Set<() => void>();

/** Says that this was meant and cannot be, or, with null, that it is over. */
export function cannot(what: Omit<Meant, "n"> | null) {
  if (what === null && meant === null) return;
  n += 1;
  meant = what && { ...what, n };
  for (const listener of [...listeners]) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useMeant = () => useSyncExternalStore(subscribe, () => meant);
