// Keys: which one was meant, and a listener that keeps off while somebody types or a dialog is open.
import { useEffect, useRef } from "react";
import type { Rights } from "../api/types.ts";

const KEYS: [string, string][] = [
  ["Ctrl-K or ⌘K", "search: stages, freight by version, what can be done"],
  ["g, then p w a r s", "go to pipeline, what is where, activity, resources, settings"],
  ["j k, arrows", "move"],
  ["Enter", "open"],
  ["Ctrl-Enter", "try what was changed in a resource"],
  ["p", "plan: what would be promoted here"],
  ["w", "why does it not move"],
  ["/", "filter"],
  ["t", "times: relative or absolute"],
  ["Esc", "close"],
  ["?", "this list"],
];

/** The keys of one who has these rights: none that could only answer no. */
export const keysFor = (rights: Rights): [string, string][] =>
  KEYS.filter(([key]) => (key !== "p" || rights.promote.length > 0) && (key !== "Ctrl-Enter" || rights.write));

const SEQUENCE_WITHIN_MS = 1_200;

/** Remembers the first key of a pair such as `g p`. */
export class Sequence {
  #first = "";
  #at = 0;

  /** The name of what was pressed: `g p`, `j`, `mod+k`; empty while a pair is begun. */
  take(key: string, isModified: boolean, at: number): string {
    if (isModified) return `mod+${key.toLowerCase()}`;
    const isSecond = this.#first !== "" && at - this.#at < SEQUENCE_WITHIN_MS;
    const first = this.#first;
    this.#first = "";
    if (isSecond) return `${first} ${key}`;
    if (key === "g") {
      this.#first = key;
      this.#at = at;
      return "";
    }
    return key;
  }
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

export type Keys = Record<string, (event: KeyboardEvent) => void>;

export function useKeys(keys: Keys) {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const sequence = new Sequence();
    const listen = (event: KeyboardEvent) => {
      const isModified = event.ctrlKey || event.metaKey;
      if (event.altKey || event.isComposing || event.defaultPrevented) return;
      if (document.querySelector("dialog[open]")) return;
      if (isTyping(event.target) && !isModified && event.key !== "Escape") return;
      const meant = sequence.take(event.key, isModified, event.timeStamp);
      const act = latest.current[meant];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}
