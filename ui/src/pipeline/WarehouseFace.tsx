// A warehouse as it stands: its sources and its last look.
import type { WarehouseView } from "../shared/api/types.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { lastOf } from "../shared/look/version.ts";
import css from "./WarehouseFace.module.css";

const SHOWN_MAX = 2;

export function WarehouseFace({ warehouse }: { warehouse: WarehouseView }) {
  const rest = warehouse.sources.length - SHOWN_MAX;
  return (
    <span className={css.face}>
      <span className={css.name}><span className="visually-hidden">warehouse </span>{warehouse.name}</span>
      <span className={css.sources}>
        {warehouse.sources.slice(0, SHOWN_MAX).map((source) => (
          <span key={source.url} className={css.source} title={`${source.kind} ${source.url} ${source.constraint ?? ""}`}>{lastOf(source.url)} <span className={css.constraint}>{source.constraint}</span></span>
        ))}
        {rest > 0 && <span className={css.source}>and {rest} more</span>}
      </span>
      <span className={css.state}><StateMark state={warehouse.state} /></span>
      {warehouse.lookedAt && <span className={css.looked}>looked <Ago at={warehouse.lookedAt} suffix="ago" /></span>}
    </span>
  );
}
