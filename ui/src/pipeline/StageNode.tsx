// A stage in the graph: opens its panel, takes freight that is dropped on it; renders again only when its own object changes.
import { Handle, Position } from "@xyflow/react";
import { memo, useState } from "react";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useFilter, useGo, useIsOpen } from "../shared/frame/open.ts";
import { cannot, takes } from "../shared/frame/taken.ts";
import { useBoard, useIsLive, useObject } from "../shared/live/hooks.ts";
import { isStuck } from "../shared/look/state.ts";
import { drag, FREIGHT_TYPE, useDragged } from "./drag.ts";
import { stageMatches } from "./filter.ts";
import { StageFace } from "./StageFace.tsx";
import css from "./Node.module.css";

export const StageNode = memo(function StageNode({ data }: { data: { name: string } }) {
  const { project } = useBoard();
  const stage = useObject("stages", data.name);
  const { plan } = useGo();
  const isOpen = useIsOpen("stage", data.name);
  const filter = useFilter();
  const isLive = useIsLive();
  const dragged = useObject("freight", useDragged() ?? "");
  const [isOver, setIsOver] = useState(false);
  if (!stage) return null;
  const isTaken = dragged !== undefined && isLive && takes(stage, dragged);
  const look = [
    css.node,
    "nopan",
    dragged === undefined ? "" : isTaken ? css.takes : css.aside,
    isTaken && isOver ? css.over : "",
    isStuck(stage.state) ? css.stuck : "",
    stageMatches(stage, filter) ? "" : css.aside,
    isOpen ? css.open : "",
  ].join(" ");
  return (
    <div
      className={look}
      onDragOver={(event) => {
        if (dragged === undefined) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "move";
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        drag(null);
        const freight = event.dataTransfer.getData(FREIGHT_TYPE);
        if (freight === "" || !isLive) return;
        cannot(isTaken ? null : { project, stage: stage.name, freight });
        if (isTaken) plan(stage.name, freight);
      }}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} className={css.handle} />
      <OpenLink
        kind="stage"
        name={stage.name}
        className={css.link}
        title={stage.cause}
        draggable={false}
        data-nav="stages"
        data-kind="stage"
        data-name={stage.name}
      >
        <StageFace stage={stage} />
      </OpenLink>
      {isTaken && <span className={css.drop}>drop to plan</span>}
      {dragged !== undefined && !isTaken && isOver && <span className={css.drop}>not here: drop to read why</span>}
      <Handle type="source" position={Position.Right} isConnectable={false} className={css.handle} />
    </div>
  );
});
