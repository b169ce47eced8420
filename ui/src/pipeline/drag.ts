// The freight that is being dragged, so that the stages can say whether they would take it.
import { useSyncExternalStore } from "react";

let dragged: string | null = null;
const listeners = new Set<() => void>();

export const FREIGHT_TYPE = "application/x-seaway-freight";

export function drag(freight: string | null) {
  dragged = freight;
  for (const listener of [...listeners]) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useDragged = () => useSyncExternalStore(subscribe, () => dragged);
