// A stage: how it stands and why, what it has, what comes next, what happened.
import { Link } from "@tanstack/react-router";
import { api } from "../shared/api/client.ts";
import type { StageForYou } from "../shared/api/types.ts";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { StageLinks } from "../shared/frame/StageLinks.tsx";
import { PAGES, useOpen } from "../shared/frame/open.ts";
import { useAnswers, useBoard, useIsLive, useList, useLoaded, useObject, useRights } from "../shared/live/hooks.ts";
import { Action } from "../shared/look/Action.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { Panel } from "../shared/look/Panel.tsx";
import { Actions, Row, Rows, Section } from "../shared/look/Section.tsx";
import { stageColour } from "../shared/look/colours.ts";
import { StateMark } from "../shared/look/StateMark.tsx";
import { partsOf } from "../shared/look/version.ts";
import { Why } from "../shared/look/Why.tsx";
import { Words } from "../shared/look/Words.tsx";
import { downstreamOf } from "../promotion/downstream.ts";
import { DefinitionSection } from "../resources/DefinitionSection.tsx";
import { PromotionTable } from "../promotion/PromotionTable.tsx";

export function StagePanel({ name }: { name: string }) {
  const board = useBoard();
  const stage = useObject("stages", name);
  const isLoaded = useLoaded();
  const answer = useAnswers().find((one) => one.kind === "Stage" && one.name === name);
  const history = useList("promotions").filter((row) => row.stage === name);
  if (!isLoaded) return null;
  if (!stage)
    return (
      <Panel kind="stage" title={name}>
        <Empty what={`There is no stage ${name} here, or not any more.`} command="seaway get stages" />
      </Panel>
    );
  return (
    <Panel kind="stage" title={stage.name} subtitle={<StateMark state={stage.state} />} colour={stageColour(stage.colour)}>
      {answer ? (
        <Why answer={answer} />
      ) : (
        stage.cause !== "" && (
          <Section title="Why">
            <Rows>
              <Row name="cause">
                <Words text={stage.cause} />
              </Row>
              {stage.waitsFor !== "" && <Row name="waits for">{stage.waitsFor}</Row>}
              {stage.since && (
                <Row name="since">
                  <Ago at={stage.since} suffix="ago" />
                </Row>
              )}
              {stage.until && (
                <Row name="until">
                  <Ago at={stage.until} />
                </Row>
              )}
            </Rows>
          </Section>
        )
      )}
      <Freight stage={stage} />
      <Section title="Where it stands">
        <Rows>
          <Row name="comes after">
            {stage.upstream.length === 0 ? (
              <>
                nothing: freight comes straight from{" "}
                {stage.warehouses.map((one) => (
                  <OpenLink key={one} kind="warehouse" name={one}>
                    {one}{" "}
                  </OpenLink>
                ))}
              </>
            ) : (
              <StageLinks names={stage.upstream} />
            )}
          </Row>
          {!stage.controlFlow && (
            <Row name="is promoted">
              {stage.promotesByItself ? "by itself, as soon as freight may go there" : "when a promoter asks for it"}
            </Row>
          )}
        </Rows>
      </Section>
      <Section
        title="What happened"
        aside={
          <Link to={PAGES.activity} params={{ project: board.project }} search={{ of: name }}>
            all of it
          </Link>
        }
      >
        {history.length === 0 ? <Empty what="Nothing was ever promoted here." /> : <PromotionTable rows={history} />}
      </Section>
      <DefinitionSection plural="stages" name={name} />
    </Panel>
  );
}

function Freight({ stage }: { stage: StageForYou }) {
  const { project } = useBoard();
  const { plan, downstream } = useOpen();
  const rights = useRights();
  const after = downstreamOf(stage.name, useList("stages")).filter((one) => one.mayPromote);
  const isLive = useIsLive();
  const { nextFreight } = stage;
  return (
    <Section title="Freight">
      <Rows>
        <Row name="has">
          {stage.hasFreight ? (
            <OpenLink kind="freight" name={stage.hasFreight}>
              {stage.has}
            </OpenLink>
          ) : (
            stage.has || "nothing yet"
          )}
        </Row>
        {stage.inGit && (
          <Row name="git has">
            <b>{stage.inGit}</b>: a promotion wrote it and then failed
          </Row>
        )}
        {stage.next !== "" && (
          <Row name="next">
            {nextFreight ? (
              <OpenLink kind="freight" name={nextFreight}>
                {stage.next}
              </OpenLink>
            ) : (
              stage.next
            )}
          </Row>
        )}
        {stage.promotion && (
          <Row name="now runs">
            <OpenLink kind="promotion" name={stage.promotion}>
              {stage.promotion}
            </OpenLink>
          </Row>
        )}
      </Rows>
      <Actions>
        {stage.mayPromote && nextFreight && !stage.promotion && (
          <Button
            look={stage.state === "waiting" ? "main" : "plain"}
            keys="p"
            disabled={!isLive}
            onClick={() => plan(stage.name, nextFreight)}
          >
            Plan {partsOf(stage.next)[0]?.version}
          </Button>
        )}
        {stage.mayPromote && stage.state === "held" && (
          <Action
            label="Resume"
            title="lift the hold: automation may promote here again"
            answered={stage}
            act={() => api.resumeStage(project, stage.name)}
          />
        )}
        {after.length > 0 && stage.hasFreight && (
          <Button
            disabled={!isLive}
            title={`what would be written in ${after.map((one) => one.name).join(", ")}`}
            onClick={() => downstream(stage.name, stage.hasFreight ?? "")}
          >
            Plan downstream
          </Button>
        )}
        {rights.refresh && (
          <Action label="Look again" title="look at this stage now" answered={stage} act={() => api.refreshStage(project, stage.name)} />
        )}
      </Actions>
    </Section>
  );
}
