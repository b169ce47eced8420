// The pipeline as a graph: warehouses, then stages, left to right as freight goes.
import { MarkerType, Position, ReactFlow, ReactFlowProvider, useReactFlow, useStore, type Edge, type Node } from "@xyflow/react";
import { startTransition, useCallback, useEffect, useMemo, useState } from "react";
import "@xyflow/react/dist/base.css";
import { useOpen } from "../shared/frame/open.ts";
import { useList, useObject } from "../shared/live/hooks.ts";
import { edgesOf, layout, NODE, stageId, warehouseId } from "./layout.ts";
import { StageNode } from "./StageNode.tsx";
import { fit, heightIn, reveal } from "./view.ts";
import { WarehouseNode } from "./WarehouseNode.tsx";
import css from "./Graph.module.css";

const TYPES = { stage: StageNode, warehouse: WarehouseNode };
const PANEL_WIDTH = 460;
// Nodes that can be neither dragged nor selected are let through to the pane by the library; ours are links.
const CLICKABLE = { pointerEvents: "all" } as const;
const ARROW = { type: MarkerType.ArrowClosed, width: 14, height: 14 };
// Where edges meet a node, said beforehand: nothing has to be drawn to be measured.
const HANDLES = [
  { type: "target" as const, position: Position.Left, x: 0, y: NODE.height / 2, width: 1, height: 1 },
  { type: "source" as const, position: Position.Right, x: NODE.width, y: NODE.height / 2, width: 1, height: 1 },
];
const moveMs = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 160);

export function Graph() {
  return (
    <ReactFlowProvider>
      <Inside />
    </ReactFlowProvider>
  );
}

/** Changes only when stages come, go or are wired otherwise; everything else is the nodes' own business. */
function useTopology() {
  const stages = useList("stages");
  const warehouses = useList("warehouses");
  const wiring = JSON.stringify([
    warehouses.map((one) => one.name),
    stages.map((one) => [one.name, one.upstream, one.warehouses, one.index]),
  ]);
  return useMemo(() => {
    const input = { warehouses: warehouses.map((one) => one.name), stages };
    const nodes: Node[] = layout(input).map(({ id, x, y }) => {
      const [type, name] = [id.slice(0, id.indexOf("/")), id.slice(id.indexOf("/") + 1)];
      return { id, type, position: { x, y }, data: { name }, width: NODE.width, height: NODE.height, handles: HANDLES, style: CLICKABLE };
    });
    const edges: Edge[] = edgesOf(input).map(({ from, to }) => ({ id: `${from} ${to}`, source: from, target: to, markerEnd: ARROW }));
    return { nodes, edges, places: nodes.map((node) => node.position) };
    // The wiring says whether the lists differ in what matters here.
  }, [wiring]);
}

const AT_ONCE_MAX = 100;

/** Of many nodes those that are seen are drawn first; the rest follows when the browser has time, so that keys and screen readers reach them all. */
function useWhole(nNodes: number): boolean {
  const [isReady, setReady] = useState(false);
  const isMany = nNodes > AT_ONCE_MAX;
  useEffect(() => {
    if (!isMany) return;
    const timer = setTimeout(() => startTransition(() => setReady(true)), 200);
    return () => clearTimeout(timer);
  }, [isMany]);
  return !isMany || isReady;
}

function Inside() {
  const { nodes, edges, places } = useTopology();
  const isWhole = useWhole(nodes.length);
  const { getViewport, setViewport } = useReactFlow();
  const { search } = useOpen();
  const promoted = useObject("promotions", search.promotion ?? "")?.stage;
  const space = { width: useStore((state) => state.width), height: useStore((state) => state.height) };
  const { height, isCut } = heightIn(places, space.width || window.innerWidth);
  const hasPanel = (search.stage ?? search.freight ?? search.warehouse ?? search.promotion) !== undefined;
  const stage = promoted ?? search.stage;
  const open = stage !== undefined ? stageId(stage) : search.warehouse !== undefined ? warehouseId(search.warehouse) : undefined;

  const show = useCallback(
    (id: string | undefined) => {
      const node = nodes.find((one) => one.id === id);
      if (!node || space.width === 0) return;
      const view = reveal(node.position, getViewport(), space, hasPanel ? PANEL_WIDTH : 0);
      if (view) void setViewport(view, { duration: moveMs() });
    },
    [nodes, space.width, space.height, hasPanel, getViewport, setViewport],
  );

  useEffect(() => {
    if (space.width > 0) void setViewport(fit(places, space));
  }, [places, space.width, space.height, setViewport]);
  // A panel that closes leaves the graph as it was.
  useEffect(() => {
    if (!hasPanel && !isCut && space.width > 0) void setViewport(fit(places, space), { duration: moveMs() });
  }, [hasPanel]);
  // What is open must not lie under its own panel.
  useEffect(() => show(open), [open, show]);

  return (
    <div
      className={css.frame}
      style={{ height }}
      onFocus={(event) => {
        const { kind, name } = (event.target as HTMLElement).dataset;
        if (kind !== undefined && name !== undefined && event.target.matches(":focus-visible")) show(`${kind}/${name}`);
      }}
    >
      <ReactFlow
        className={css.graph}
        nodes={nodes}
        edges={edges}
        nodeTypes={TYPES}
        aria-label="pipeline"
        onlyRenderVisibleElements={!isWhole}
        minZoom={0.1}
        maxZoom={1.25}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        zoomOnScroll={false}
        panOnScroll={isCut}
        preventScrolling={isCut}
        zoomOnDoubleClick={false}
        proOptions={{ hideAttribution: true }}
      />
    </div>
  );
}
