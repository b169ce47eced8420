// The landing page: freight above, the way it goes below.
import { useList, useLoaded } from "../shared/live/hooks.ts";
import { Empty } from "../shared/look/Empty.tsx";
import { useIsNarrow } from "../shared/look/media.ts";
import { Graph } from "./Graph.tsx";
import { Lately } from "./Lately.tsx";
import { List } from "./List.tsx";
import { Timeline } from "./Timeline.tsx";
import css from "./PipelinePage.module.css";

export function PipelinePage() {
  const isLoaded = useLoaded();
  const isNarrow = useIsNarrow();
  const nStages = useList("stages").length;
  const isEmpty = nStages + useList("warehouses").length === 0;
  if (!isLoaded)
    return (
      <p className={css.reading} role="status">
        reading the board…
      </p>
    );
  if (isEmpty)
    return (
      <Empty
        what="Nothing is in this project yet: no warehouse, no stage."
        command="seaway apply -f examples/bank"
        then="The pipeline is drawn here as soon as a warehouse or a stage is there."
      />
    );
  return (
    <div className={css.page}>
      <h1 className="visually-hidden">Pipeline</h1>
      <Timeline />
      {isNarrow ? <List /> : <Graph />}
      {nStages === 0 && (
        <Empty
          what="No stage yet: what the warehouse finds has nowhere to go."
          command="seaway apply -f examples/bank"
          then="Stages are drawn behind it as soon as they are there."
        />
      )}
      <Lately />
    </div>
  );
}
