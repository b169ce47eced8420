// A stage as it stands: name, version as the hero, state as shape and word, what it waits for; the same in the graph and in the list.
import type { StageForYou } from "../shared/api/types.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { stageColour } from "../shared/look/colours.ts";
import { StateMark } from "../shared/look/StateMark.tsx";
import { Version } from "../shared/look/Version.tsx";
import { cutMiddle, partsOf } from "../shared/look/version.ts";
import css from "./StageFace.module.css";

const CALM = new Set(["empty", "unchecked", "verified"]);

export function StageFace({ stage, max }: { stage: StageForYou; max?: number }) {
  const isMoving = stage.state === "promoting" || stage.state === "waiting" || stage.state === "failed";
  const next = partsOf(stage.next)[0]?.version ?? "";
  const isByItself = stage.promotesByItself && stage.waitsFor === "" && CALM.has(stage.state);
  const inGit = partsOf(stage.inGit ?? "")[0]?.version ?? "";
  return (
    <span className={css.face} style={{ borderLeftColor: stageColour(stage.colour) }}>
      <span className={css.head}>
        <span className={css.name}>
          <span className="visually-hidden">stage </span>
          {stage.name}
        </span>
        {stage.since && (
          <span className={css.since}>
            <Ago at={stage.since} />
          </span>
        )}
      </span>
      {stage.controlFlow ? (
        <span className={css.flow}>passes on what it gets</span>
      ) : (
        <Version label={stage.has} {...(max ? { max } : {})} />
      )}
      <span className={css.state}>
        <StateMark state={stage.state} />
        {isMoving && next !== "" && (
          <span className={css.next} title={stage.next}>
            ← {cutMiddle(next, 9)}
          </span>
        )}
      </span>
      <span className={css.waits} data-empty={inGit === "" && stage.waitsFor === "" && !isByItself} title={stage.cause}>
        {inGit !== "" && (
          <>
            <b className={css.git}>git has {cutMiddle(inGit, 12)}</b>
            {stage.waitsFor !== "" && " · "}
          </>
        )}
        {isByItself && inGit === "" ? "promotes by itself" : stage.waitsFor}
      </span>
      {stage.upstream.length > 0 && <span className="visually-hidden">after {stage.upstream.join(" and ")}</span>}
    </span>
  );
}
