// A warehouse: what it watches, when it looked and will look, what it found, what is wrong.
import { api } from "../shared/api/client.ts";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useAnswers, useBoard, useList, useLoaded, useObject, useRights } from "../shared/live/hooks.ts";
import { Action } from "../shared/look/Action.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { useClock } from "../shared/look/clock.ts";
import { Copy } from "../shared/look/Copy.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { Panel } from "../shared/look/Panel.tsx";
import { Actions, Row, Rows, Section } from "../shared/look/Section.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { lastOf } from "../shared/look/version.ts";
import { Why } from "../shared/look/Why.tsx";
import { DefinitionSection } from "../resources/DefinitionSection.tsx";

const FREIGHT_MAX = 12;

/** When it will look; no instant that is over, for then it is about to. */
function Next({ at }: { at: string }) {
  const { skew } = useBoard();
  const isDue = useClock((now) => Date.parse(at) <= now + skew);
  return isDue ? <>next look is due</> : <Ago at={at} />;
}

export function WarehousePanel({ name }: { name: string }) {
  const { project } = useBoard();
  const warehouse = useObject("warehouses", name);
  const rights = useRights();
  const isLoaded = useLoaded();
  const found = useList("freight").filter((one) => one.warehouse === name);
  const answer = useAnswers().find((one) => one.kind === "Warehouse" && one.name === name) ?? warehouse?.answer;
  if (!isLoaded) return null;
  if (!warehouse)
    return (
      <Panel kind="warehouse" title={name}>
        <Empty what={`There is no warehouse ${name} here, or not any more.`} command="seaway get warehouses" />
      </Panel>
    );
  return (
    <Panel kind="warehouse" title={warehouse.name} subtitle={<StateMark state={warehouse.state} />}>
      {answer && <Why answer={answer} />}
      <Section title="Watches">
        <Rows>
          {warehouse.sources.map((one) => (
            <Row key={`${one.kind} ${one.url}`} name={one.kind}>
              <b>{lastOf(one.url)}</b> {one.constraint}
              <br />
              <Copy text={one.url} label={one.kind} />
            </Row>
          ))}
        </Rows>
      </Section>
      <Section title="Looks">
        <Rows>
          <Row name="last">{warehouse.lookedAt ? <Ago at={warehouse.lookedAt} suffix="ago" /> : "never yet"}</Row>
          {warehouse.nextLookAt && (
            <Row name="next">
              <Next at={warehouse.nextLookAt} />
            </Row>
          )}
          <Row name="makes freight">{warehouse.freightCreation.toLowerCase() === "manual" ? "only when a person asks" : "by itself"}</Row>
        </Rows>
        {rights.refresh && (
          <Actions>
            <Action label="Look now" answered={warehouse.lookedAt} act={() => api.refreshWarehouse(project, name)} />
          </Actions>
        )}
      </Section>
      <Section title="Found">
        {found.length === 0 ? (
          <Empty what="No freight yet: it is made when every source has a version that matches." command="seaway why" />
        ) : (
          <Rows>
            {found.slice(0, FREIGHT_MAX).map((one) => (
              <Row key={one.name} name={one.version}>
                <OpenLink kind="freight" name={one.name}>
                  {one.alias}
                </OpenLink>
                , <Ago at={one.foundAt} suffix="ago" />
              </Row>
            ))}
          </Rows>
        )}
      </Section>
      <DefinitionSection plural="warehouses" name={name} />
    </Panel>
  );
}
