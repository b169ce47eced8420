// What git tells of a promotion's commits: asked once something landed, and again where it could not tell all.
import { useQuery } from "@tanstack/react-query";
import { api } from "../shared/api/client.ts";
import type { PromotionView } from "../shared/api/types.ts";
import { useBoard } from "../shared/live/hooks.ts";

const AGAIN_AFTER_MS = 10_000;

export function useWritten({ name, written }: PromotionView) {
  const { project } = useBoard();
  const commits = written?.commits.map((one) => one.commit).join(" ") ?? "";
  return useQuery({
    queryKey: ["written", project, name, commits],
    queryFn: () => api.written(project, name),
    enabled: commits !== "",
    // A commit never changes; a repository that could not be asked may answer the next time.
    staleTime: ({ state }) => (state.data?.unknown.length === 0 ? Infinity : AGAIN_AFTER_MS),
  });
}
