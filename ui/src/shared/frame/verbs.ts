// What `p` and `w` mean here: the stage or freight that has the focus, else the open panel, else what waits for you.
import { focused } from "../keys/move.ts";
import type { LiveBoard } from "../live/board.ts";
import { useBoard } from "../live/hooks.ts";
import { isStuck, waitsForYou } from "../look/state.ts";
import { useOpen } from "./open.ts";
import type { Asked } from "./Palette.tsx";
import type { Search } from "./search.ts";
import { cannot, takes } from "./taken.ts";

/** What is meant by "here". */
export function here(search: Search): { kind: string; name: string } | undefined {
  const seen = focused();
  if (seen && (seen.kind === "stage" || seen.kind === "freight")) return seen;
  if (search.stage !== undefined) return { kind: "stage", name: search.stage };
  if (search.freight !== undefined) return { kind: "freight", name: search.freight };
  return undefined;
}

export function firstThatWaitsForYou(board: LiveBoard) {
  return board
    .list("stages")
    .find((stage) => stage.state === "waiting" && stage.mayPromote && waitsForYou(stage.waitsFor) && stage.nextFreight !== undefined);
}

export function useVerbs(ask: (asked: Asked) => void) {
  const board = useBoard();
  const { search, plan, open } = useOpen();

  const mayNowhere = () => board.loaded && board.rights.promote.length === 0;

  const planHere = () => {
    const meant = here(search);
    if (meant?.kind === "stage") {
      const stage = board.get("stages", meant.name);
      if (!stage) return;
      // With freight open beside it, it is this freight that is meant for the stage.
      const chosen = board.get("freight", search.freight ?? "");
      if (chosen) {
        const isTaken = takes(stage, chosen);
        cannot(isTaken ? null : { project: board.project, stage: stage.name, freight: chosen.name });
        if (isTaken) plan(stage.name, chosen.name);
      } else if (!stage.mayPromote) cannot({ project: board.project, stage: stage.name });
      else if (stage.nextFreight !== undefined && stage.promotion === undefined) plan(stage.name, stage.nextFreight);
      else ask({ question: "", stage: stage.name });
    } else if (meant?.kind === "freight") {
      const freight = board.get("freight", meant.name);
      const [only, ...more] = (freight?.mayGoTo ?? []).filter((name) => {
        const stage = board.get("stages", name);
        return stage?.mayPromote === true && stage.hasFreight !== meant.name;
      });
      if (mayNowhere()) cannot({ project: board.project });
      else if (freight && only !== undefined && more.length === 0) plan(only, freight.name);
      else ask({ question: "", freight: meant.name });
    } else {
      const stage = firstThatWaitsForYou(board);
      if (mayNowhere()) cannot({ project: board.project });
      else if (stage?.nextFreight !== undefined) plan(stage.name, stage.nextFreight);
      else ask({ question: "plan " });
    }
  };

  const whyHere = () => {
    const meant = here(search);
    const stage = meant
      ? undefined
      : (board.list("stages").find((one) => isStuck(one.state)) ?? board.list("stages").find((one) => one.state === "waiting"));
    if (meant?.kind === "stage" || meant?.kind === "freight") open(meant.kind, meant.name);
    else if (stage) open("stage", stage.name);
  };

  return { planHere, whyHere };
}
