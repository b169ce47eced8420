// A warehouse in the list.
import { memo } from "react";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useObject } from "../shared/live/hooks.ts";
import { WarehouseFace } from "./WarehouseFace.tsx";
import css from "./List.module.css";

export const WarehouseItem = memo(function WarehouseItem({ name }: { name: string }) {
  const warehouse = useObject("warehouses", name);
  if (!warehouse) return null;
  return (
    <li className={css.item}>
      <OpenLink kind="warehouse" name={name} className={css.link} data-nav="stages" data-kind="warehouse" data-name={name}>
        <WarehouseFace warehouse={warehouse} />
      </OpenLink>
    </li>
  );
});
