// What a promotion will meet: whether it could start, its effects in order, its waits.
import type { PlanView } from "../shared/api/types.ts";
import { StateMark } from "../shared/look/StateMark.tsx";
import { Words } from "../shared/look/Words.tsx";
import { refusalOf } from "./plan.ts";
import css from "./PlanMeets.module.css";

export function PlanMeets({ plan }: { plan: PlanView }) {
  const refusal = refusalOf(plan);
  return (
    <div className={css.meets}>
      <h3>Could it start now?</h3>
      <p className={css.start}>
        {refusal === null ? (
          <>
            <StateMark state="succeeded" word={false} /> yes, at once
          </>
        ) : (
          <>
            <StateMark state="blocked" word={false} />{" "}
            <span>
              no: <Words text={plan.failure ? "its steps do not work on the branch as it is" : refusal} />
            </span>
          </>
        )}
      </p>
      <h3>What it does, in order</h3>
      {plan.effects.length === 0 ? (
        <p className={css.none}>nothing outside its work folder</p>
      ) : (
        <ol className={css.list}>
          {plan.effects.map((effect, index) => (
            <li key={index}>
              {effect.description || effect.kind}
              <span className={css.alias}>{effect.alias}</span>
            </li>
          ))}
        </ol>
      )}
      <h3>What it waits for</h3>
      {plan.waits.length === 0 ? (
        <p className={css.none}>nothing</p>
      ) : (
        <ul className={css.list}>
          {plan.waits.map((wait, index) => (
            <li key={index}>
              {wait.for}
              {wait.releasedBy !== "" && <>, released by {wait.releasedBy}</>}
              <span className={css.alias}>{wait.alias}</span>
            </li>
          ))}
        </ul>
      )}
      {plan.unknown.length > 0 && (
        <>
          <h3>What cannot be told beforehand</h3>
          <ul className={css.list}>
            {plan.unknown.map((one) => (
              <li key={one}>
                <Words text={one} />
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
