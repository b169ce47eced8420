// What is open on the page is in the URL: a side panel's object, a plan, the list of keys or the palette's question is not.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { Search } from "./search.ts";

export type Openable = "stage" | "freight" | "warehouse" | "promotion";

const CLOSED = { stage: undefined, freight: undefined, warehouse: undefined, promotion: undefined };

export const hrefOf = (kind: Openable, name: string) => `?${kind}=${encodeURIComponent(name)}`;

export function useOpen() {
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as Search;
  const go = useCallback(
    (change: (before: Search) => Search, replace = false) => void navigate({ to: ".", search: ((before: Search) => change(before)) as never, replace }),
    [navigate],
  );
  return useMemo(() => ({
    search,
    open: (kind: Openable, name: string) => go((before) => ({ ...before, ...CLOSED, [kind]: name })),
    close: () => go((before) => ({ ...before, ...CLOSED })),
    plan: (stage: string, freight: string) => go((before) => ({ ...before, plan: stage, with: freight })),
    endPlan: (next?: { promotion: string }) =>
      go((before) => ({ ...before, plan: undefined, with: undefined, ...(next ? { ...CLOSED, ...next } : {}) }) as Search),
    set: (change: Partial<Search>) => go((before) => ({ ...before, ...change }), true),
  }), [search, go]);
}
