// A warehouse in the graph: what it watches, and when it looked.
import { Handle, Position } from "@xyflow/react";
import { memo } from "react";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useIsOpen } from "../shared/frame/open.ts";
import { useObject } from "../shared/live/hooks.ts";
import { WarehouseFace } from "./WarehouseFace.tsx";
import css from "./Node.module.css";

export const WarehouseNode = memo(function WarehouseNode({ data }: { data: { name: string } }) {
  const warehouse = useObject("warehouses", data.name);
  const isOpen = useIsOpen("warehouse", data.name);
  if (!warehouse) return null;
  return (
    <div className={`${css.node} nopan ${isOpen ? css.open : ""}`}>
      <OpenLink
        kind="warehouse"
        name={warehouse.name}
        className={css.link}
        draggable={false}
        data-nav="stages"
        data-kind="warehouse"
        data-name={warehouse.name}
      >
        <WarehouseFace warehouse={warehouse} />
      </OpenLink>
      <Handle type="source" position={Position.Right} isConnectable={false} className={css.handle} />
    </div>
  );
});
