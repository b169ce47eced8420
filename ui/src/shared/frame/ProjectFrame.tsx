// What surrounds every page of a project: the live board, header, banner, side panels, dialogs and keys.
import { useQueryClient } from "@tanstack/react-query";
import { Outlet, useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import type { Problem } from "../api/problem.ts";
import { move, step } from "../keys/move.ts";
import { useKeys } from "../keys/keys.ts";
import { LiveBoard } from "../live/board.ts";
import { BoardContext } from "../live/hooks.ts";
import { follow, lineTo } from "../live/stream.ts";
import { switchTimes } from "../look/clock.ts";
import { useIsNarrow } from "../look/media.ts";
import { ProblemNote } from "../look/ProblemNote.tsx";
import { Banner } from "./Banner.tsx";
import { ConnectionBar } from "./ConnectionBar.tsx";
import { Header } from "./Header.tsx";
import { HelpDialog } from "./HelpDialog.tsx";
import { NotSeen } from "./NotSeen.tsx";
import { NotTaken } from "./NotTaken.tsx";
import { PAGES, type Page, useOpen } from "./open.ts";
import { Palette, type Asked } from "./Palette.tsx";
import { SidePanel } from "./SidePanel.tsx";
import { cannot } from "./taken.ts";
import { useVerbs } from "./verbs.ts";
import css from "./ProjectFrame.module.css";

const PlanDialog = lazy(() => import("../../promotion/PlanDialog.tsx").then((module) => ({ default: module.PlanDialog })));

const DownstreamDialog = lazy(() =>
  import("../../promotion/DownstreamDialog.tsx").then((module) => ({ default: module.DownstreamDialog })),
);

export function ProjectFrame() {
  const { project } = useParams({ strict: false }) as { project: string };
  const queries = useQueryClient();
  const board = useMemo(() => new LiveBoard(project), [project]);
  const [ended, setEnded] = useState<Problem | null>(null);
  const [nTries, setTries] = useState(0);
  const again = useCallback(() => setTries((n) => n + 1), []);
  useEffect(() => {
    setEnded(null);
    const stream = follow(board, lineTo(project), (problem) => {
      if (problem.status === 401) void queries.invalidateQueries({ queryKey: ["session"] });
      setEnded(problem);
    });
    return stream.stop;
  }, [board, project, queries, nTries]);
  useEffect(() => {
    document.title = `${project} · Seaway`;
  }, [project]);
  return (
    <BoardContext value={board}>
      <Inside project={project} ended={ended} onBack={again} />
    </BoardContext>
  );
}

function Inside({ project, ended, onBack }: { project: string; ended: Problem | null; onBack: () => void }) {
  const navigate = useNavigate();
  const { search, close } = useOpen();
  const [asked, ask] = useState<Asked | null>(null);
  const [helps, setHelps] = useState(false);
  const verbs = useVerbs(ask);
  const go = (page: Page) => () => void navigate({ to: PAGES[page], params: { project } });
  useKeys({
    "mod+k": () => ask({ question: "" }),
    "g p": go("pipeline"),
    "g w": go("what is where"),
    "g a": go("activity"),
    "g r": go("resources"),
    "g s": go("settings"),
    j: () => step(1),
    k: () => step(-1),
    ArrowLeft: () => move("left"),
    ArrowRight: () => move("right"),
    ArrowUp: () => move("up"),
    ArrowDown: () => move("down"),
    p: verbs.planHere,
    w: verbs.whyHere,
    t: switchTimes,
    "/": () => document.querySelector<HTMLInputElement>("[data-filter]")?.focus(),
    "?": () => setHelps(true),
    Escape: (event) => {
      cannot(null);
      if (event.target instanceof HTMLInputElement) event.target.blur();
      else close();
    },
  });
  const isNarrow = useIsNarrow();
  const isPipeline = useRouterState({ select: ({ location }) => location.pathname.split("/").filter(Boolean).length <= 2 });
  const hasPanel = (search.stage ?? search.freight ?? search.warehouse ?? search.promotion) !== undefined;
  return (
    <div className={css.frame}>
      <Header project={project} onSearch={() => ask({ question: "" })} onHelp={() => setHelps(true)} />
      <ConnectionBar />
      {ended && ended.status !== 401 ? (
        <main className={css.ended}>
          {[403, 404].includes(ended.status) ? <NotSeen project={project} onBack={onBack} /> : <ProblemNote error={ended} />}
        </main>
      ) : (
        <>
          <Banner isBrief={isNarrow && !isPipeline} />
          <div className={css.stage} data-has-panel={hasPanel}>
            <main className={css.main}>
              <Suspense fallback={null}>
                <Outlet />
              </Suspense>
            </main>
            <SidePanel />
          </div>
          <NotTaken />
        </>
      )}
      {search.plan !== undefined && search.with !== undefined && (
        <Suspense fallback={null}>
          <PlanDialog key={`${search.plan} ${search.with}`} stage={search.plan} freight={search.with} />
        </Suspense>
      )}
      {search.downstream !== undefined && search.with !== undefined && (
        <Suspense fallback={null}>
          <DownstreamDialog stage={search.downstream} freight={search.with} />
        </Suspense>
      )}
      {asked && <Palette asked={asked} project={project} onHelp={() => setHelps(true)} onClose={() => ask(null)} />}
      {helps && <HelpDialog onClose={() => setHelps(false)} />}
    </div>
  );
}
