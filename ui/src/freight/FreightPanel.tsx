// Freight: what is in it, where it is and was, where it may go, and how it differs from other freight.
import { useState } from "react";
import { api } from "../shared/api/client.ts";
import type { FreightView } from "../shared/api/types.ts";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useOpen } from "../shared/frame/open.ts";
import { useBoard, useIsLive, useList, useLoaded, useObject, useRights } from "../shared/live/hooks.ts";
import { Action } from "../shared/look/Action.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { Copy } from "../shared/look/Copy.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { Panel } from "../shared/look/Panel.tsx";
import { Actions, Row, Rows, Section } from "../shared/look/Section.tsx";
import { StageLinks } from "../shared/frame/StageLinks.tsx";
import { lastOf, short } from "../shared/look/version.ts";
import { useHistory } from "./history.ts";
import { Compare } from "./Compare.tsx";
import { DefinitionSection } from "../resources/DefinitionSection.tsx";
import { PromotionTable } from "../promotion/PromotionTable.tsx";

export function FreightPanel({ name }: { name: string }) {
  const freight = useObject("freight", name);
  const isLoaded = useLoaded();
  const { rows: history, isWhole } = useHistory(name, freight?.label ?? short(name));
  const promoted = new Set(history.filter((row) => row.phase === "Succeeded").map((row) => row.stage));
  const was = useList("stages")
    .map((one) => one.name)
    .filter((stage) => promoted.has(stage) && !freight?.in.includes(stage));
  if (!isLoaded) return null;
  if (!freight)
    return (
      <Panel kind="freight" title={short(name)}>
        <Empty what="This freight is not on the board, or not any more." command="seaway get freight" />
      </Panel>
    );
  return (
    <Panel kind="freight" title={freight.label} subtitle={<code>{freight.alias}</code>}>
      <Section title="Artifacts">
        <Rows>
          {freight.artifacts.map((one) => (
            <Row key={`${one.kind} ${one.url}`} name={lastOf(one.url)}>
              <b>{one.tag ?? short(one.commit ?? one.digest ?? "")}</b>{" "}
              <Copy
                text={one.digest ?? one.commit ?? one.url}
                shown={short(one.digest ?? one.commit ?? one.url, 12)}
                label={one.digest ? "digest" : "commit"}
              />
              <br />
              <Copy text={one.url} label={one.kind} />
            </Row>
          ))}
        </Rows>
      </Section>
      <Section title="Where it is">
        <Rows>
          <Row name="in">
            <Stages names={freight.in} none="no stage" />
          </Row>
          {was.length > 0 && (
            <Row name="was in">
              <Stages names={was} none="" />
            </Row>
          )}
          <Row name="good in">
            <Stages names={freight.verifiedIn} none="no stage yet" />
          </Row>
          {freight.approvedFor.length > 0 && (
            <Row name="approved for">
              <Stages names={freight.approvedFor} none="" />
            </Row>
          )}
          <Row name="found">
            <Ago at={freight.foundAt} suffix="ago" /> by{" "}
            <OpenLink kind="warehouse" name={freight.warehouse}>
              {freight.warehouse}
            </OpenLink>
          </Row>
          <Row name="name">
            <Copy text={freight.name} shown={short(freight.name, 12)} label="freight" />
          </Row>
        </Rows>
      </Section>
      <MayGo freight={freight} />
      <Section title="Difference">
        <Compare freight={freight} />
      </Section>
      <Section title="What happened">
        {history.length > 0 && <PromotionTable rows={history} withStage />}
        {history.length === 0 && isWhole && <p>It was never promoted, or its promotions are not kept any more.</p>}
        {isWhole === false && <p>Only recent promotions could be read; there may be older ones.</p>}
      </Section>
      <DefinitionSection plural="freights" name={name} />
    </Panel>
  );
}

function Stages({ names, none }: { names: readonly string[]; none: string }) {
  if (names.length === 0) return <>{none}</>;
  return <StageLinks names={names} />;
}

function MayGo({ freight }: { freight: FreightView }) {
  const { project } = useBoard();
  const { plan } = useOpen();
  const isLive = useIsLive();
  const rights = useRights();
  const stages = useList("stages");
  const mine = stages.filter((one) => one.mayPromote && !one.controlFlow);
  const open = mine.filter((one) => freight.mayGoTo.includes(one.name) && one.hasFreight !== freight.name);
  const shut = mine.filter((one) => !freight.mayGoTo.includes(one.name));
  const [chosen, choose] = useState("");
  const target = shut.some((one) => one.name === chosen) ? chosen : "";
  return (
    <Section title="Where it may go">
      {mine.length === 0 && <p>{freight.mayGoTo.length === 0 ? "nowhere yet" : freight.mayGoTo.join(", ")}; a promoter may promote it.</p>}
      {mine.length > 0 && open.length === 0 && <p>To no other stage now: it goes on where it is good upstream.</p>}
      <Actions>
        {open.map((one) => (
          <Button key={one.name} keys="p" disabled={!isLive} onClick={() => plan(one.name, freight.name)}>
            Plan {one.name}
          </Button>
        ))}
      </Actions>
      {rights.approve && shut.length > 0 && (
        <Actions>
          <label>
            Let it in without its upstream:{" "}
            <select value={target} onChange={(event) => choose(event.target.value)}>
              <option value="">choose a stage</option>
              {shut.map((one) => (
                <option key={one.name}>{one.name}</option>
              ))}
            </select>
          </label>
          {target !== "" && (
            <Action
              label={`Approve for ${target}`}
              sure={`It was not good upstream of ${target}.`}
              answered={freight.approvedFor.length}
              act={() => api.approve(project, freight.name, target, crypto.randomUUID())}
            />
          )}
        </Actions>
      )}
    </Section>
  );
}
