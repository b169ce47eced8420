// No project was named: the first one there is, or how to make one; who may see none can still sign out.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { api } from "../api/client.ts";
import { LiveBoard } from "../live/board.ts";
import { BoardContext } from "../live/hooks.ts";
import { Action } from "../look/Action.tsx";
import { Button } from "../look/Button.tsx";
import { Empty } from "../look/Empty.tsx";
import { ProblemNote } from "../look/ProblemNote.tsx";
import { useSession } from "../sign-in/session.ts";
import css from "./FirstProject.module.css";
import head from "./Header.module.css";

const LOOK_EVERY_MS = 15_000;

// What is done here needs no board that is live: there is none to follow.
const none = new LiveBoard("");
none.connect({ state: "live" });

const SettingsPage = lazy(() => import("../../settings/SettingsPage.tsx").then((module) => ({ default: module.SettingsPage })));

export function FirstProject() {
  const projects = useQuery({
    queryKey: ["projects"],
    queryFn: api.projects,
    refetchOnWindowFocus: "always",
    refetchInterval: LOOK_EVERY_MS,
  });
  const [isSet, set] = useState(false);
  const first = projects.data?.items[0];
  if (first) return <Navigate to="/p/$project" params={{ project: first.name }} replace />;
  if (projects.isPending) return null;
  return (
    <BoardContext value={none}>
      <BareHeader onSettings={() => set(!isSet)} isSet={isSet} />
      <main>
        {projects.isError ? (
          <ProblemNote error={projects.error} />
        ) : (
          <Empty
            what="There is no project yet, or none that you may see."
            command="seaway apply -f examples/bank"
            then="Its pipeline appears here as soon as it is there, or as soon as you may see it."
          />
        )}
        {isSet && (
          <Suspense fallback={null}>
            <SettingsPage />
          </Suspense>
        )}
      </main>
    </BoardContext>
  );
}

function BareHeader({ onSettings, isSet }: { onSettings: () => void; isSet: boolean }) {
  const queries = useQueryClient();
  const session = useSession();
  return (
    <header className={head.header}>
      <span className={head.brand}>Seaway</span>
      <span className={css.user}>{session ? session.name || session.user : "…"}</span>
      <Button look="quiet" aria-expanded={isSet} onClick={onSettings}>
        Settings
      </Button>
      <Action look="quiet" label="Sign out" act={() => api.signOut().then(() => queries.resetQueries({ queryKey: ["session"] }))} />
    </header>
  );
}
