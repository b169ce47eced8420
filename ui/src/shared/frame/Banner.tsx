// The page's first sentence is what waits for you, its second what is stuck and why.
import { useState } from "react";
import type { Answer } from "../api/types.ts";
import { Link } from "@tanstack/react-router";
import { useAnswers, useBoard, useIsLive, useList, useLoaded } from "../live/hooks.ts";
import { Ago } from "../look/Ago.tsx";
import { Button } from "../look/Button.tsx";
import { StateMark } from "../look/StateMark.tsx";
import { partsOf } from "../look/version.ts";
import { Words } from "../look/Words.tsx";
import { sortAnswers } from "./answers.ts";
import { PAGES, useOpen, type Openable } from "./open.ts";
import { OpenLink } from "./OpenLink.tsx";
import css from "./Banner.module.css";

const SHOWN_MAX = 2;
const OPENABLE: Record<string, Openable> = { Stage: "stage", Freight: "freight", Warehouse: "warehouse", Promotion: "promotion" };

export function Banner({ isBrief }: { isBrief: boolean }) {
  const isLoaded = useLoaded();
  const { you, others, stuck } = sortAnswers(useAnswers());
  if (!isLoaded) return null;
  const isCalm = you.length + others.length + stuck.length === 0;
  if (isBrief && !isCalm) return <Brief you={you.length} others={others.length} stuck={stuck.length} />;
  return (
    <section className={css.banner} aria-label="what waits and what is stuck" aria-live="polite">
      {isCalm && <p className={css.calm}>Nothing waits for you, and nothing is stuck.</p>}
      <Rows words={words.you(you.length)} tone="you" answers={you} />
      <Rows words={words.others(others.length)} tone="others" answers={others} />
      <Rows words={words.stuck(stuck.length)} tone="stuck" answers={stuck} />
    </section>
  );
}

const words = {
  you: (n: number) => `${n} ${n === 1 ? "waits" : "wait"} for you`,
  others: (n: number) => `${n} ${n === 1 ? "waits" : "wait"} for a promoter`,
  stuck: (n: number) => `${n} ${n === 1 ? "is" : "are"} stuck`,
};

/** On a phone, beside other things: only how many, and the way to them. */
function Brief({ you, others, stuck }: { you: number; others: number; stuck: number }) {
  const { project } = useBoard();
  return (
    <section className={css.banner} aria-label="what waits and what is stuck" aria-live="polite">
      <Link to={PAGES.pipeline} params={{ project }} className={css.brief}>
        {you > 0 && <span className={css.you}>{words.you(you)}</span>}
        {others > 0 && <span>{words.others(others)}</span>}
        {stuck > 0 && <span className={css.stuck}>{words.stuck(stuck)}</span>}
      </Link>
    </section>
  );
}

function Rows({ words: said, tone, answers }: { words: string; tone: "you" | "others" | "stuck"; answers: Answer[] }) {
  const [shows, setShows] = useState(false);
  if (answers.length === 0) return null;
  const shown = shows ? answers : answers.slice(0, SHOWN_MAX);
  return (
    <ul className={`${css.rows} ${css[tone]}`}>
      {shown.map((answer, index) => (
        <li key={`${answer.kind}/${answer.name}`} className={css.row}>
          <span className={css.words}>{index === 0 ? said : ""}</span>
          <What answer={answer} />
          {index === SHOWN_MAX - 1 && answers.length > SHOWN_MAX && !shows && (
            <Button look="quiet" onClick={() => setShows(true)}>
              and {answers.length - SHOWN_MAX} more
            </Button>
          )}
          <Do answer={answer} />
        </li>
      ))}
    </ul>
  );
}

function What({ answer }: { answer: Answer }) {
  const stage = useList("stages").find((one) => answer.kind === "Stage" && one.name === answer.name);
  const freight = useList("freight").find((one) => one.name === stage?.nextFreight);
  const kind = OPENABLE[answer.kind];
  const isWaiting = answer.state === "waiting";
  return (
    <p className={css.what}>
      <StateMark state={answer.state} word={false} />{" "}
      {kind ? (
        <OpenLink kind={kind} name={answer.name} className={css.name}>
          {answer.name}
        </OpenLink>
      ) : (
        <b>{answer.name}</b>
      )}
      {isWaiting && stage && stage.next !== "" && (
        <>
          {" "}
          ← {stage.next}
          {freight && <span className={css.alias}> {freight.alias}</span>}
        </>
      )}
      <span className={css.cause} title={answer.cause}>
        {isWaiting && stage ? answer.waitsFor.replace(/^(you|a promoter): /, "") : <Words text={answer.cause} />}
      </span>
      {answer.since && (
        <span className={css.since} aria-live="off">
          <Ago at={answer.since} suffix="ago" />
        </span>
      )}
    </p>
  );
}

function Do({ answer }: { answer: Answer }) {
  const { open, plan } = useOpen();
  const isLive = useIsLive();
  const stage = useList("stages").find((one) => answer.kind === "Stage" && one.name === answer.name);
  const kind = OPENABLE[answer.kind];
  const nextFreight = stage?.nextFreight;
  if (stage && stage.mayPromote && answer.state === "waiting" && nextFreight !== undefined) {
    return (
      <Button
        keys="p"
        disabled={!isLive}
        title={`what would be written: ${partsOf(stage.next)[0]?.version ?? ""} into ${stage.name}`}
        onClick={() => plan(stage.name, nextFreight)}
      >
        See plan
      </Button>
    );
  }
  return kind ? (
    <Button keys="w" title="why does it not move" onClick={() => open(kind, answer.name)}>
      Why
    </Button>
  ) : null;
}
