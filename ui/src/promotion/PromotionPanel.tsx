// A promotion: its steps as they run, why it stands where it stands, its journal; what a person may do about it.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "../shared/api/client.ts";
import { Problem } from "../shared/api/problem.ts";
import type { PromotionView } from "../shared/api/types.ts";
import { useOpen } from "../shared/frame/open.ts";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { StageLinks } from "../shared/frame/StageLinks.tsx";
import { useBoard, useIsLive, useObject } from "../shared/live/hooks.ts";
import { answerToYou } from "../shared/live/rights.ts";
import { Action } from "../shared/look/Action.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { Copy } from "../shared/look/Copy.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { Panel } from "../shared/look/Panel.tsx";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { Actions, Row, Rows, Section } from "../shared/look/Section.tsx";
import { hasEnded } from "../shared/look/state.ts";
import { StateMark } from "../shared/look/StateMark.tsx";
import { took } from "../shared/look/time.ts";
import { short } from "../shared/look/version.ts";
import { Why } from "../shared/look/Why.tsx";
import { DefinitionSection } from "../resources/DefinitionSection.tsx";
import { Journal } from "./Journal.tsx";
import { Resolve } from "./Resolve.tsx";
import { Steps } from "./Steps.tsx";
import { WrittenDialog } from "./WrittenDialog.tsx";
import { WrittenSection } from "./WrittenSection.tsx";

const LOOK_AGAIN_MS = 1_000;

export function PromotionPanel({ name }: { name: string }) {
  const { project } = useBoard();
  const isLive = useIsLive();
  const row = useObject("promotions", name);
  const query = useQuery({
    queryKey: ["promotion", project, name],
    queryFn: () => api.promotion(project, name),
    // The board tells of phases; steps are looked at while they run.
    refetchInterval: ({ state }) => (isLive && state.data && !hasEnded(state.data.phase) ? LOOK_AGAIN_MS : false),
  });
  const { refetch } = query;
  useEffect(() => {
    if (row) void refetch();
  }, [row, refetch]);
  const view = query.data;
  const may = useObject("stages", view?.stage ?? "")?.mayPromote ?? false;
  const { search } = useOpen();
  const isUnknown = query.error instanceof Problem && query.error.status === 404;
  if (!view)
    return (
      <Panel kind="promotion" title={row?.label ?? name}>
        {isUnknown ? (
          <Empty what={`There is no promotion ${name} in ${project}, or not any more.`} />
        ) : (
          query.isError && <ProblemNote error={query.error} />
        )}
      </Panel>
    );
  return (
    <Panel kind="promotion" title={`${view.label} into ${view.stage}`} subtitle={<StateMark state={view.phase} />}>
      {query.isError && <ProblemNote error={query.error} />}
      {view.answer && view.phase !== "Succeeded" ? (
        <Why answer={may ? answerToYou(view.answer) : view.answer} />
      ) : (
        view.message !== "" &&
        hasEnded(view.phase) && (
          <Section title="Why">
            <p>{view.message}</p>
          </Section>
        )
      )}
      {may && !hasEnded(view.phase) && <Resolve view={view} />}
      <Section title="Steps">
        <Steps view={view} />
      </Section>
      <WrittenSection view={view} />
      <About view={view} may={may} />
      <Section title="Journal">
        <Journal events={view.events} />
      </Section>
      <DefinitionSection plural="promotions" name={name} />
      {search.shows === "written" && <WrittenDialog view={view} />}
    </Panel>
  );
}

/** By its steps, whose instants are finer than the promotion's own. */
function lastedOf({ steps, startedAt, finishedAt }: PromotionView): string | null {
  const begun = steps.flatMap((step) => step.startedAt ?? []).sort()[0] ?? startedAt;
  const ended =
    steps
      .flatMap((step) => step.finishedAt ?? [])
      .sort()
      .at(-1) ?? finishedAt;
  return begun && ended ? took(begun, ended) : null;
}

function About({ view, may }: { view: PromotionView; may: boolean }) {
  const { project } = useBoard();
  const isOpen = !hasEnded(view.phase);
  const lasted = isOpen ? null : lastedOf(view);
  return (
    <Section title="What it is">
      <Rows>
        <Row name="stage">
          <StageLinks names={[view.stage]} />
        </Row>
        <Row name="freight">
          <OpenLink kind="freight" name={view.freight}>
            {view.label}
          </OpenLink>
        </Row>
        <Row name="asked by">
          {view.actor}, <Ago at={view.createdAt} suffix="ago" />
        </Row>
        {lasted !== null && <Row name="took">{lasted}</Row>}
        <Row name="plan">
          {view.planDigest ? (
            <>
              bound to <Copy text={view.planDigest} shown={short(view.planDigest, 12)} label="plan digest" />: it writes that, or nothing
            </>
          ) : (
            "asked without a plan"
          )}
        </Row>
        <Row name="name">
          <Copy text={view.name} label="promotion" />
        </Row>
      </Rows>
      {may && isOpen && (
        <Actions>
          <Action
            label="Abort"
            look="danger"
            sure="What it pushed stays pushed. Abort?"
            answered={view.phase}
            act={() => api.abort(project, view.name)}
          />
        </Actions>
      )}
    </Section>
  );
}
