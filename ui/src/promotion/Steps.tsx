// The steps of a promotion, in order.
import type { PromotionView } from "../shared/api/types.ts";
import { StateMark } from "../shared/look/StateMark.tsx";
import { took } from "../shared/look/time.ts";
import { Words } from "../shared/look/Words.tsx";
import { Outputs } from "./Outputs.tsx";
import css from "./Steps.module.css";

export function Steps({ view }: { view: PromotionView }) {
  return (
    <ol className={css.steps}>
      {view.steps.map((step) => (
        <li key={step.alias} className={css.step} aria-current={step.status.toLowerCase() === "running" ? "step" : undefined}>
          <StateMark state={step.status} word={false} />
          <div className={css.what}>
            <p>
              <b>{step.alias}</b> <code className={css.uses}>{step.uses}</code>
            </p>
            {step.message !== "" && (
              <p className={/^(failed|errored)$/i.test(step.status) ? css.wrong : css.message}>
                <Words text={step.message} />
              </p>
            )}
            <Outputs output={step.output} />
            {step.log !== "" && (
              <details className={css.log}>
                <summary>what it printed</summary>
                <pre tabIndex={0}>{step.log}</pre>
              </details>
            )}
          </div>
          <span className={css.took}>
            {step.startedAt && step.finishedAt ? took(step.startedAt, step.finishedAt) : step.status.toLowerCase()}
          </span>
        </li>
      ))}
    </ol>
  );
}
