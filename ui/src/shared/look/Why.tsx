// Why something does not move: the cause, since when, what releases it, and what to type.
import type { Answer } from "../api/types.ts";
import { Ago } from "./Ago.tsx";
import { Copy } from "./Copy.tsx";
import { Row, Rows, Section } from "./Section.tsx";
import { Words } from "./Words.tsx";

export function Why({ answer }: { answer: Answer }) {
  return (
    <Section title="Why" aside={<code>{answer.reason}</code>}>
      <Rows>
        <Row name="cause">
          <Words text={answer.cause} />
        </Row>
        {answer.waitsFor !== "" && !answer.cause.includes(answer.waitsFor) && <Row name="waits for">{answer.waitsFor}</Row>}
        {answer.since && (
          <Row name="since">
            <Ago at={answer.since} suffix="ago" />
          </Row>
        )}
        {answer.until && (
          <Row name="until">
            <Ago at={answer.until} />
          </Row>
        )}
        {answer.releases !== "" && (
          <Row name="released by">
            <Words text={answer.releases} />
          </Row>
        )}
        {answer.hint !== "" && (
          <Row name="in a terminal">
            <Copy text={answer.hint} label="command" />
          </Row>
        )}
      </Rows>
    </Section>
  );
}
