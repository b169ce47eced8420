// A plan kept honest while somebody reads it: made again when the board moves and every quarter of a minute; what is shown changes only when the reader agrees.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../shared/api/client.ts";
import type { PlanView } from "../shared/api/types.ts";
import { useBoard, useIsLive, useList, useObject } from "../shared/live/hooks.ts";
import { hasEnded } from "../shared/look/state.ts";
import { movedPaths, staysTrue } from "./plan.ts";

const AGAIN_EVERY_MS = 15_000;

export function usePlan(stage: string, freight: string) {
  const { project } = useBoard();
  const isLive = useIsLive();
  const [shown, show] = useState<PlanView | null>(null);
  const query = useQuery({
    queryKey: ["plan", project, stage, freight],
    queryFn: () => api.plan(project, stage, freight),
    gcTime: 0,
    staleTime: 0,
    // Who was refused, or whose plan failed, asks again when they think it worth it.
    refetchOnWindowFocus: ({ state }) => staysTrue(state),
    refetchInterval: ({ state }) => isLive && staysTrue(state) && AGAIN_EVERY_MS,
  });
  const now = query.data;
  const { refetch } = query;
  useEffect(() => {
    // There is nothing in a failed plan that could be agreed to.
    if (now && (!shown || shown.failure)) show(now);
  }, [now, shown]);

  // A promotion that ended wrote to a branch, perhaps this one; the stage's own change matters in any case.
  const nEnded = useList("promotions").filter((row) => hasEnded(row.phase)).length;
  const own = useObject("stages", stage);
  const [seen, setSeen] = useState({ nEnded, own });
  useEffect(() => {
    if (seen.nEnded === nEnded && seen.own === own) return;
    setSeen({ nEnded, own });
    if (!query.isError) void refetch();
  }, [nEnded, own, seen, refetch, query.isError]);

  const hasMoved = shown !== null && !shown.failure && now !== undefined && shown.digest !== now.digest;
  // A reason that is not about what would be written, such as another promotion, may change under the eyes.
  const current = shown !== null && now !== undefined && !hasMoved ? now : shown;
  return {
    shown: current,
    error: query.error,
    isAsking: query.isFetching,
    again: () => void refetch(),
    moved: hasMoved ? { paths: movedPaths(shown, now), accept: () => show(now) } : null,
  };
}
