// A warehouse as it stands: its sources and its last look.
import type { WarehouseView } from "../shared/api/types.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { lastOf } from "../shared/look/version.ts";
import css from "./WarehouseFace.module.css";

const LINES = 2;

export function WarehouseFace({ warehouse }: { warehouse: WarehouseView }) {
  const shown = warehouse.sources.slice(0, warehouse.sources.length > LINES ? LINES - 1 : LINES);
  const rest = warehouse.sources.length - shown.length;
  return (
    <span className={css.face}>
      <span className={css.name}>
        <span className="visually-hidden">warehouse </span>
        {warehouse.name}
      </span>
      <span className={css.sources}>
        {shown.map((source) => (
          <span key={source.url} className={css.source} title={`${source.kind} ${source.url} ${source.constraint ?? ""}`}>
            {lastOf(source.url)} <span className={css.constraint}>{source.constraint}</span>
          </span>
        ))}
        {rest > 0 && <span className={css.source}>and {rest} more</span>}
      </span>
      <span className={css.state}>
        <StateMark state={warehouse.state} />
      </span>
      {warehouse.lookedAt && (
        <span className={css.looked}>
          looked <Ago at={warehouse.lookedAt} suffix="ago" />
        </span>
      )}
    </span>
  );
}
