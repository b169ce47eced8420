// One resource being edited: read, tried, saved; what somebody else saved meanwhile is seen, and nothing written is lost by looking elsewhere.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { kube, Refusal, type KubeObject } from "../shared/api/kubernetes.ts";
import { Problem } from "../shared/api/problem.ts";
import { causesOf, differenceOf, faultsOf, objectOf, rebased, textOf, type Fault } from "./text.ts";

interface Draft {
  base: KubeObject;
  text: string;
}
/** What was begun and not saved, by address; it stays until the page is loaded anew. */
const drafts = new Map<string, Draft>();

export interface Tried {
  /** How what the server would keep differs from what it has. */
  difference: string;
  warnings: string[];
}

export function useEdit(url: string) {
  const query = useQuery({ queryKey: ["resource", url], queryFn: () => kube.get(url), staleTime: 0 });
  const [draft, setDraft] = useState<Draft | null>(drafts.get(url) ?? null);
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const now = query.data?.object;
  const base = draft?.base ?? now;
  const text = draft?.text ?? (base ? textOf(base) : "");
  const isChanged = base !== undefined && text !== textOf(base);

  const keep = (next: Draft | null) => {
    if (next && next.text !== textOf(next.base)) drafts.set(url, next);
    else drafts.delete(url);
    setDraft(next);
    setFaults([]);
  };

  const send = async (isTrial: boolean): Promise<{ object: KubeObject; tried: Tried } | null> => {
    if (!base) return null;
    setFaults([]);
    const read = objectOf(text, base);
    if ("faults" in read) {
      setFaults(read.faults);
      return null;
    }
    try {
      const { object, warnings } = await kube.put(url, read.object, isTrial);
      return { object, tried: { difference: differenceOf(textOf(base), textOf(object)), warnings } };
    } catch (cause) {
      if (cause instanceof Problem && cause.status === 409) await query.refetch();
      else if (cause instanceof Refusal) setFaults(faultsOf(text, causesOf(cause)));
      throw cause;
    }
  };

  const trial = useMutation({ mutationFn: () => send(true) });
  const save = useMutation({
    mutationFn: () => send(false),
    onSuccess: (answer) => {
      if (!answer) return;
      trial.reset();
      keep(null);
      void query.refetch();
    },
  });
  const start = () => {
    trial.reset();
    save.reset();
  };

  return {
    query,
    object: base,
    text,
    isChanged,
    faults,
    /** Somebody saved since this was read. */
    moved: draft && now && now.metadata.resourceVersion !== draft.base.metadata.resourceVersion ? now : null,
    trial,
    save,
    write: (next: string) => {
      if (!base || next === text) return;
      start();
      keep({ base, text: next });
    },
    undo: () => {
      start();
      keep(null);
      void query.refetch();
    },
    /** My change on top of theirs; null if both touched the same lines. */
    onTop: (other: KubeObject) => (base ? rebased(textOf(base), text, textOf(other)) : null),
    /** Goes on from theirs, with this text. */
    goOn: (other: KubeObject, next: string) => {
      start();
      keep({ base: other, text: next });
    },
  };
}
