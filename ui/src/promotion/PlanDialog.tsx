// The plan: what would be written, what it will meet, and the one button that does exactly that.
import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { api } from "../shared/api/client.ts";
import { Problem } from "../shared/api/problem.ts";
import type { PlanView } from "../shared/api/types.ts";
import { useOpen } from "../shared/frame/open.ts";
import { useBoard, useIsLive, useObject } from "../shared/live/hooks.ts";
import { Button } from "../shared/look/Button.tsx";
import { Copy } from "../shared/look/Copy.tsx";
import { Dialog } from "../shared/look/Dialog.tsx";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { partsOf, short } from "../shared/look/version.ts";
import { Words } from "../shared/look/Words.tsx";
import { PlanFiles } from "./PlanFiles.tsx";
import { PlanMeets } from "./PlanMeets.tsx";
import { refusalOf } from "./plan.ts";
import { Sentence } from "./Sentence.tsx";
import { usePlan } from "./usePlan.ts";
import css from "./PlanDialog.module.css";

export function PlanDialog({ stage, freight }: { stage: string; freight: string }) {
  const { project } = useBoard();
  const { endPlan } = useOpen();
  const view = useObject("stages", stage);
  const label = useObject("freight", freight)?.label ?? short(freight);
  const { shown, error, moved, again, isAsking } = usePlan(stage, freight);
  // The same press sent twice is one promotion; another plan is another.
  const key = useMemo(() => crypto.randomUUID(), [shown?.digest]);
  const promote = useMutation({
    mutationFn: (plan: PlanView) => api.promote(project, { stage, freight, planDigest: plan.digest }, key),
    onSuccess: ({ name }) => endPlan({ promotion: name }),
    onError: (problem) => {
      if (problem instanceof Problem && problem.is("plan-changed")) again();
    },
  });
  const [file, setFile] = useState(0);
  useEffect(() => setFile(0), [shown?.digest]);
  const mayNot = view?.mayPromote === false && error instanceof Problem && error.status === 403;
  const title = `Plan: ${stage} to ${label}`;
  return (
    <Dialog title={title} onClose={() => endPlan()} size="wide">
      {!shown && !error && (
        <p className={css.asking} role="status">
          planning: the steps are tried on the branch as it is now…
        </p>
      )}
      {!shown && error && (
        <div className={css.asking}>
          {mayNot ? (
            <p role="status">waits for a promoter: you may not promote to {stage}</p>
          ) : (
            <>
              <ProblemNote error={error} />
              <Button onClick={again}>Plan again</Button>
            </>
          )}
        </div>
      )}
      {shown && (
        <>
          <Sentence text={shown.sentence} />
          {moved && (
            <div className={css.moved} role="alert">
              <p>
                <b>The branch moved while you read.</b>{" "}
                {moved.paths.length === 0 ? (
                  "What the promotion would do differs now."
                ) : (
                  <>
                    Would now be written differently:{" "}
                    {moved.paths.map((path) => (
                      <code key={path}>{path} </code>
                    ))}
                  </>
                )}
              </p>
              <Button
                look="main"
                onClick={() => {
                  promote.reset();
                  moved.accept();
                }}
              >
                Show the new plan
              </Button>
            </div>
          )}
          <div className={`${css.columns} ${moved ? css.old : ""}`}>
            <PlanFiles plan={shown} at={file} onAt={setFile} />
            <PlanMeets plan={shown} />
          </div>
          {promote.isError && !(moved && promote.error instanceof Problem && promote.error.is("plan-changed")) && (
            <div className={css.problem}>
              <ProblemNote error={promote.error} />
            </div>
          )}
          {error && (
            <div className={css.problem}>
              <ProblemNote error={error} />
            </div>
          )}
          {(error !== null || shown.failure) && (
            <div className={css.problem}>
              <Button disabled={isAsking} onClick={again}>
                Plan again
              </Button>
            </div>
          )}
          <Foot
            plan={shown}
            may={view?.mayPromote ?? false}
            hasMoved={moved !== null}
            isAsking={isAsking}
            state={promote.isPending ? "asking…" : promote.isSuccess ? "asked" : null}
            onPromote={() => promote.mutate(shown)}
            onCancel={() => endPlan()}
          />
        </>
      )}
    </Dialog>
  );
}

interface FootProps {
  plan: PlanView;
  may: boolean;
  hasMoved: boolean;
  isAsking: boolean;
  state: string | null;
  onPromote: () => void;
  onCancel: () => void;
}

function Foot({ plan, may, hasMoved, isAsking, state, onPromote, onCancel }: FootProps) {
  const isLive = useIsLive();
  const version = partsOf(plan.label)[0]?.version ?? plan.label;
  const refusal = refusalOf(plan);
  const why = !isLive
    ? "no connection to the control plane"
    : hasMoved
      ? "look at the new plan first"
      : (refusal ?? (plan.changed ? "" : "nothing would be written; the promotion would be recorded all the same"));
  const isOff = !isLive || hasMoved || refusal !== null || state !== null;
  return (
    <footer className={css.foot}>
      <span className={css.digest}>
        plan <Copy text={plan.digest} shown={short(plan.digest, 12)} label="plan digest" />
        {isAsking && <span role="status"> looking again…</span>}
      </span>
      <span className={css.why}>{may ? <Words text={why} /> : "waits for a promoter: you may not promote to this stage"}</span>
      <Button onClick={onCancel}>Close</Button>
      {may && (
        <Button
          look="main"
          disabled={isOff}
          autoFocus={!isOff}
          onKeyDown={(event) => {
            if (event.repeat) event.preventDefault();
          }}
          onClick={onPromote}
        >
          {state ?? `Promote ${plan.stage} to ${version}`}
        </Button>
      )}
    </footer>
  );
}
