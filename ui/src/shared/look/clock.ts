// One ticking second and one choice (relative or absolute) for all times on the page.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
let isAbsolute = false;

const wake = () => {
  for (const listener of [...listeners]) listener();
};

function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    if (!document.hidden) wake();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The result of `read`, woken each second but rendered only when it differs. */
export const useClock = <T>(read: (now: number, isAbsolute: boolean) => T): T =>
  useSyncExternalStore(subscribe, () => read(now, isAbsolute));

export function switchTimes() {
  isAbsolute = !isAbsolute;
  wake();
}
