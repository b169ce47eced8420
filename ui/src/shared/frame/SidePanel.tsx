// Which side panel is open, as the URL says.
import { lazy, Suspense } from "react";
import { useOpen } from "./open.ts";

const StagePanel = lazy(() => import("../../stage/StagePanel.tsx").then((module) => ({ default: module.StagePanel })));
const FreightPanel = lazy(() => import("../../freight/FreightPanel.tsx").then((module) => ({ default: module.FreightPanel })));
const WarehousePanel = lazy(() => import("../../warehouse/WarehousePanel.tsx").then((module) => ({ default: module.WarehousePanel })));
const PromotionPanel = lazy(() => import("../../promotion/PromotionPanel.tsx").then((module) => ({ default: module.PromotionPanel })));

export function SidePanel() {
  const {
    search: { stage, freight, warehouse, promotion },
  } = useOpen();
  return (
    <Suspense fallback={null}>
      {stage !== undefined ? (
        <StagePanel key={stage} name={stage} />
      ) : freight !== undefined ? (
        <FreightPanel key={freight} name={freight} />
      ) : warehouse !== undefined ? (
        <WarehousePanel key={warehouse} name={warehouse} />
      ) : promotion !== undefined ? (
        <PromotionPanel key={promotion} name={promotion} />
      ) : null}
    </Suspense>
  );
}
