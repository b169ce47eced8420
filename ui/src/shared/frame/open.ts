// What is open on the page is in the URL: a side panel's object, a plan, the list of keys or the palette's question is not.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Search } from "./search.ts";

/** The pages of a project. */
export const PAGES = {
  pipeline: "/p/$project",
  "what is where": "/p/$project/what-is-where",
  activity: "/p/$project/activity",
  resources: "/p/$project/resources",
  settings: "/p/$project/settings",
} as const;
export type Page = keyof typeof PAGES;

export type Openable = "stage" | "freight" | "warehouse" | "promotion";

const CLOSED = {
  stage: undefined,
  freight: undefined,
  warehouse: undefined,
  promotion: undefined,
  against: undefined,
  shows: undefined,
} as unknown as Search;

export const hrefOf = (kind: Openable, name: string) => `?${kind}=${encodeURIComponent(name)}`;

/** What can be opened and closed; does not render again when something is. */
export function useGo() {
  const navigate = useNavigate();
  return useMemo(() => {
    const go = (change: (before: Search) => Search, replace = false) => void navigate({ to: ".", search: change, replace });
    return {
      open: (kind: Openable, name: string) => go((before) => ({ ...before, ...CLOSED, [kind]: name })),
      close: () => go((before) => ({ ...before, ...CLOSED })),
      plan: (stage: string, freight: string) => go((before) => ({ ...before, plan: stage, with: freight })),
      downstream: (stage: string, freight: string) => go((before) => ({ ...before, downstream: stage, with: freight })),
      endPlan: (next?: { promotion: string }) =>
        go(
          (before) =>
            ({ ...before, plan: undefined, downstream: undefined, with: undefined, ...(next ? { ...CLOSED, ...next } : {}) }) as Search,
        ),
      set: (change: { [K in keyof Search]?: Search[K] | undefined }) => go((before) => ({ ...before, ...change }) as Search, true),
    };
  }, [navigate]);
}

/** Whether this object's panel is open; renders again only when that changes. */
export const useIsOpen = (kind: Openable, name: string): boolean =>
  useSearch({ strict: false, select: (search) => (search as Search)[kind] === name });

/** The words that filter what the page lists. */
export const useFilter = (): string => useSearch({ strict: false, select: (search) => (search as Search).filter ?? "" });

export function useOpen() {
  const go = useGo();
  const search = useSearch({ strict: false }) as Search;
  return useMemo(() => ({ ...go, search }), [go, search]);
}
