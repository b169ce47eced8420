// Promote downstream: the freight of one stage into every stage after it, each with its plan shown before the button.
import { useMutation, useQueries } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api } from "../shared/api/client.ts";
import { useGo } from "../shared/frame/open.ts";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useBoard, useIsLive, useList, useObject } from "../shared/live/hooks.ts";
import { Button } from "../shared/look/Button.tsx";
import { Dialog } from "../shared/look/Dialog.tsx";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { StageDot } from "../shared/look/StageDot.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { partsOf } from "../shared/look/version.ts";
import { Words } from "../shared/look/Words.tsx";
import { downstreamOf } from "./downstream.ts";
import { refusalOf } from "./plan.ts";
import css from "./DownstreamDialog.module.css";

export function DownstreamDialog({ stage, freight }: { stage: string; freight: string }) {
  const { project } = useBoard();
  const { endPlan, plan: openPlan } = useGo();
  const isLive = useIsLive();
  const label = useObject("freight", freight)?.label ?? freight;
  const targets = downstreamOf(stage, useList("stages")).filter((one) => one.mayPromote);
  const plans = useQueries({
    queries: targets.map((one) => ({
      queryKey: ["plan", project, one.name, freight],
      queryFn: () => api.plan(project, one.name, freight),
      staleTime: 0,
    })),
  });
  // One key for one dialog: asked twice, it is done once.
  const [key] = useState(() => crypto.randomUUID());
  const asked = useMutation({ mutationFn: () => api.promoteDownstream(project, { downstreamOf: stage, freight }, key) });
  const version = partsOf(label)[0]?.version ?? label;
  const isPlanned = plans.every((one) => !one.isPending);
  const willStart = plans.filter((one) => one.data && refusalOf(one.data) === null).length;
  const isReady = isLive && isPlanned && willStart > 0 && !asked.isPending && !asked.isSuccess;
  const main = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // As in the plan: once it is all shown, the button has the focus; not where somebody has moved it meanwhile.
    if (isReady && document.activeElement?.matches("dialog h2")) main.current?.focus();
  }, [isReady]);
  return (
    <Dialog title={`Promote ${version} into what comes after ${stage}`} size="wide" onClose={() => endPlan()}>
      <ul className={css.targets}>
        {targets.length === 0 && <li className={css.none}>Nothing comes after {stage} that you may promote to.</li>}
        {targets.map((one, index) => {
          const plan = plans[index];
          const done = asked.data?.items.find((row) => row.stage === one.name);
          const refused = asked.data?.refused.find((row) => row.stage === one.name);
          const refusal = plan?.data ? refusalOf(plan.data) : null;
          return (
            <li key={one.name} className={css.target}>
              <span className={css.stage}>
                <StageDot name={one.name} />
              </span>
              <div className={css.what}>
                {plan?.isPending && <span role="status">planning…</span>}
                {plan?.isError && <ProblemNote error={plan.error} />}
                {plan?.data && <Words text={plan.data.sentence} />}
                {refusal !== null && (
                  <p className={css.refusal}>
                    <StateMark state="blocked" word={false} /> <Words text={refusal} />
                  </p>
                )}
                {done && (
                  <p>
                    <StateMark state="succeeded" word={false} /> asked:{" "}
                    <OpenLink kind="promotion" name={done.name}>
                      {done.name}
                    </OpenLink>
                  </p>
                )}
                {refused && (
                  <p className={css.refusal}>
                    <StateMark state="failed" word={false} /> refused: <Words text={refused.reason} />
                  </p>
                )}
              </div>
              {!asked.isSuccess && (
                <Button
                  onClick={() => {
                    endPlan();
                    openPlan(one.name, freight);
                  }}
                >
                  See its plan
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {asked.isError && (
        <div className={css.problem}>
          <ProblemNote error={asked.error} />
        </div>
      )}
      <footer className={css.foot}>
        <Button onClick={() => endPlan()}>Close</Button>
        {!asked.isSuccess && (
          <Button
            look="main"
            ref={main}
            disabled={!isReady}
            onKeyDown={(event) => {
              if (event.repeat) event.preventDefault();
            }}
            onClick={() => asked.mutate()}
          >
            {asked.isPending ? "asking…" : `Promote ${willStart === 1 ? "1 stage" : `${willStart} stages`} to ${version}`}
          </Button>
        )}
      </footer>
    </Dialog>
  );
}
