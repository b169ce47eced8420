// The pipeline as a list, for a narrow screen: the same faces, one under the other.
import { useList } from "../shared/live/hooks.ts";
import { StageItem } from "./StageItem.tsx";
import { WarehouseItem } from "./WarehouseItem.tsx";
import css from "./List.module.css";

export function List() {
  const warehouses = useList("warehouses");
  const stages = useList("stages");
  return (
    <ul className={css.list} aria-label="pipeline">
      {warehouses.map((one) => (
        <WarehouseItem key={`warehouse/${one.name}`} name={one.name} />
      ))}
      {stages.map((one) => (
        <StageItem key={one.name} name={one.name} />
      ))}
    </ul>
  );
}
