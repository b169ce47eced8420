// The pipeline as a list, for a narrow screen: the same faces, one under the other, with what can be done at once.
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useOpen } from "../shared/frame/open.ts";
import { useIsLive, useList } from "../shared/live/hooks.ts";
import { Button } from "../shared/look/Button.tsx";
import { partsOf } from "../shared/look/version.ts";
import { StageFace } from "./StageFace.tsx";
import { WarehouseFace } from "./WarehouseFace.tsx";
import css from "./List.module.css";

export function List() {
  const warehouses = useList("warehouses");
  const stages = useList("stages");
  const isLive = useIsLive();
  const { plan } = useOpen();
  return (
    <ul className={css.list} aria-label="pipeline">
      {warehouses.map((one) => (
        <li key={`warehouse/${one.name}`} className={css.item}>
          <OpenLink kind="warehouse" name={one.name} className={css.link} data-nav="stages" data-kind="warehouse" data-name={one.name}><WarehouseFace warehouse={one} /></OpenLink>
        </li>
      ))}
      {stages.map((one) => (
        <li key={one.name} className={css.item}>
          <OpenLink kind="stage" name={one.name} className={css.link} data-nav="stages" data-kind="stage" data-name={one.name}><StageFace stage={one} max={24} /></OpenLink>
          {one.mayPromote && one.state === "waiting" && one.nextFreight !== undefined && (
            <Button className={css.plan ?? ""} disabled={!isLive} onClick={() => plan(one.name, one.nextFreight ?? "")}>Plan {partsOf(one.next)[0]?.version}</Button>
          )}
        </li>
      ))}
    </ul>
  );
}
