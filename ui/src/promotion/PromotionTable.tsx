// Promotions, newest first: what, how it ended, who asked, when.
import { useState } from "react";
import type { PromotionRow } from "../shared/api/types.ts";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { partsOf } from "../shared/look/version.ts";
import css from "./PromotionTable.module.css";

const AT_ONCE = 20;

export function PromotionTable({ rows, withStage = false }: { rows: readonly PromotionRow[]; withStage?: boolean }) {
  const [limit, setLimit] = useState(AT_ONCE);
  return (
    <>
      <table className={css.table}>
        <thead className="visually-hidden">
          <tr>
            <th>version</th>
            <th>phase</th>
            <th>by</th>
            <th>when</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, limit).map((row) => (
            <tr key={row.name}>
              <td>
                <OpenLink kind="promotion" name={row.name} title={row.name}>
                  {partsOf(row.label)[0]?.version ?? row.label}
                  {withStage && ` into ${row.stage}`}
                </OpenLink>
              </td>
              <td>
                <StateMark state={row.phase} />
              </td>
              <td className={css.actor} title={row.actor}>
                {row.actor}
              </td>
              <td className={css.when}>
                <Ago at={row.finishedAt ?? row.createdAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > limit && (
        <Button look="quiet" onClick={() => setLimit(limit + AT_ONCE * 5)}>
          {rows.length - limit} older
        </Button>
      )}
    </>
  );
}
