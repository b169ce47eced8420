// The pipeline as a graph: warehouses, then stages, left to right as freight goes.
import { MarkerType, ReactFlow, ReactFlowProvider, useReactFlow, useStore, type Edge, type Node } from "@xyflow/react";
import { useEffect, useMemo } from "react";
import "@xyflow/react/dist/base.css";
import { useOpen } from "../shared/frame/open.ts";
import { useList, useObject } from "../shared/live/hooks.ts";
import { edgesOf, layout, NODE, stageId, warehouseId } from "./layout.ts";
import { StageNode } from "./StageNode.tsx";
import { WarehouseNode } from "./WarehouseNode.tsx";
import css from "./Graph.module.css";

const TYPES = { stage: StageNode, warehouse: WarehouseNode };
const MARGIN = 16;
const FIT = { padding: { x: `${MARGIN}px`, y: `${MARGIN}px` } as const, maxZoom: 1, minZoom: 0.5 };
const PANEL_WIDTH = 470;
// Nodes that can be neither dragged nor selected are let through to the pane by the library; ours are links.
const CLICKABLE = { pointerEvents: "all" } as const;
const ARROW = { type: MarkerType.ArrowClosed, width: 14, height: 14 };

export function Graph() {
  return <ReactFlowProvider><Inside /></ReactFlowProvider>;
}

/** Changes only when stages come, go or are wired otherwise; everything else is the nodes' own business. */
function useTopology() {
  const stages = useList("stages");
  const warehouses = useList("warehouses");
  const wiring = JSON.stringify([warehouses.map((one) => one.name), stages.map((one) => [one.name, one.upstream, one.warehouses, one.index])]);
  return useMemo(() => {
    const input = { warehouses: warehouses.map((one) => one.name), stages };
    const nodes: Node[] = layout(input).map(({ id, x, y }) => {
      const [type, name] = [id.slice(0, id.indexOf("/")), id.slice(id.indexOf("/") + 1)];
      return { id, type, position: { x, y }, data: { name }, width: NODE.width, height: NODE.height, style: CLICKABLE };
    });
    const edges: Edge[] = edgesOf(input).map(({ from, to }) => ({ id: `${from} ${to}`, source: from, target: to, markerEnd: ARROW }));
    const rows = nodes.map((node) => node.position.y);
    const height = Math.max(...rows) - Math.min(...rows) + NODE.height + 2 * MARGIN;
    return { nodes, edges, wiring, height };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the wiring says whether the lists differ in what matters here
  }, [wiring]);
}

function Inside() {
  const { nodes, edges, wiring, height } = useTopology();
  const { fitView, getViewport, setViewport } = useReactFlow();
  const { search } = useOpen();
  const width = useStore((state) => state.width);
  const promoted = useObject("promotions", search.promotion ?? "")?.stage;
  const open = promoted !== undefined ? stageId(promoted) : search.stage !== undefined ? stageId(search.stage) : search.warehouse !== undefined ? warehouseId(search.warehouse) : undefined;
  useEffect(() => { void fitView(FIT); }, [wiring, width, fitView]);
  // What is open must not lie under its own panel.
  useEffect(() => {
    const node = nodes.find((one) => one.id === open);
    if (!node) return;
    const viewport = getViewport();
    const right = (node.position.x + NODE.width) * viewport.zoom + viewport.x;
    const free = width - PANEL_WIDTH;
    if (right > free && free > NODE.width) void setViewport({ ...viewport, x: viewport.x - (right - free) - 12 }, { duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 160 });
  }, [open, nodes, width, getViewport, setViewport]);
  return (
    <div className={css.frame} style={{ flexBasis: height }}>
      <ReactFlow
        className={css.graph} nodes={nodes} edges={edges} nodeTypes={TYPES} aria-label="pipeline"
        fitView fitViewOptions={FIT} minZoom={0.2} maxZoom={1.25} onlyRenderVisibleElements={nodes.length > 80}
        nodesDraggable={false} nodesConnectable={false} nodesFocusable={false} edgesFocusable={false} elementsSelectable={false} disableKeyboardA11y
        zoomOnScroll={false} panOnScroll preventScrolling={false} zoomOnDoubleClick={false} proOptions={{ hideAttribution: true }}
      />
    </div>
  );
}
