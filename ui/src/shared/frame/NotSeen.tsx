// A project that is not there, or that one may not see: which ones there are; it comes by itself when it may be seen.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { api } from "../api/client.ts";
import { PAGES } from "./open.ts";

const LOOK_EVERY_MS = 15_000;

export function NotSeen({ project, onBack }: { project: string; onBack: () => void }) {
  const projects = useQuery({ queryKey: ["projects"], queryFn: api.projects });
  const board = useQuery({
    queryKey: ["is it back", project],
    queryFn: () => api.board(project),
    gcTime: 0,
    refetchOnWindowFocus: "always",
    refetchInterval: LOOK_EVERY_MS,
  });
  const isBack = board.isSuccess;
  useEffect(() => {
    if (isBack) onBack();
  }, [isBack, onBack]);
  const others = (projects.data?.items ?? []).filter(({ name }) => name !== project);
  return (
    <div role="status">
      <p>
        There is no project <b>{project}</b>, or you may not see it. It comes by itself when you may.
      </p>
      {projects.isSuccess && others.length === 0 && <p>You may see no other project.</p>}
      {others.length > 0 && (
        <p>
          Projects that you may see:{" "}
          {others.map(({ name }, index) => (
            <span key={name}>
              {index > 0 && ", "}
              <Link to={PAGES.pipeline} params={{ project: name }}>
                {name}
              </Link>
            </span>
          ))}
        </p>
      )}
    </div>
  );
}
