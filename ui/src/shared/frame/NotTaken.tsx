// Freight that was meant for a stage which does not take it: why not, and what would release it, also for those who listen.
import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client.ts";
import { useBoard, useObject, useRights } from "../live/hooks.ts";
import { Button } from "../look/Button.tsx";
import { ProblemNote } from "../look/ProblemNote.tsx";
import { StateMark } from "../look/StateMark.tsx";
import { Words } from "../look/Words.tsx";
import { cannot, lacksRight, refusalOf, takes, useMeant } from "./taken.ts";
import css from "./NotTaken.module.css";

export function NotTaken() {
  const { project } = useBoard();
  const rights = useRights();
  const meant = useMeant();
  const stage = useObject("stages", meant?.stage ?? "");
  const freight = useObject("freight", meant?.freight ?? "");
  const isShown = meant?.project === project && stage !== undefined && freight !== undefined && !takes(stage, freight);
  const lacking = meant?.project === project && meant.freight === undefined ? lacksRight(project, stage, rights) : "";
  const own = isShown ? refusalOf(stage, freight) : "";
  const asked = useQuery({
    queryKey: ["why", project, meant],
    queryFn: () => api.whyFreight(project, meant?.freight ?? ""),
    enabled: isShown && own === "",
  });
  const answer = asked.data?.items.find((one) => one.links?.some((link) => link.kind === "Stage" && link.name === meant?.stage));
  const why = own !== "" ? own : (answer?.cause ?? (asked.isSuccess ? "the control plane does not say why" : ""));
  return (
    <div className={isShown || lacking !== "" ? css.note : ""}>
      {/* It is here before there is something to say: only then is it read out. */}
      <p role="status" className={css.words}>
        {lacking !== "" && (
          <>
            <StateMark state="waiting" word={false} /> {lacking}
          </>
        )}
        {isShown && (why !== "" || asked.isError) && (
          <>
            <b>
              <StateMark state="blocked" word={false} /> {stage.name} does not take {freight.label} now:
            </b>{" "}
            <Words text={`${why}.`} />{" "}
            {own === "" && answer !== undefined && answer.releases !== "" && (
              <span className={css.releases}>
                Released by <Words text={answer.releases} />.
              </span>
            )}
          </>
        )}
      </p>
      {isShown && asked.isLoading && <p className={css.words}>asking why {stage.name} does not take it…</p>}
      {isShown && asked.isError && <ProblemNote error={asked.error} />}
      {(isShown || lacking !== "") && (
        <Button look="quiet" title="close (Esc)" onClick={() => cannot(null)}>
          Close
        </Button>
      )}
    </div>
  );
}
