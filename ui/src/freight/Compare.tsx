// What changes from other freight to this one.
import { useState } from "react";
import type { FreightView } from "../shared/api/types.ts";
import { useList } from "../shared/live/hooks.ts";
import { lastOf } from "../shared/look/version.ts";
import { differences } from "./compare.ts";
import css from "./Compare.module.css";

const OFFERED_MAX = 100;

export function Compare({ freight }: { freight: FreightView }) {
  const others = useList("freight").filter((one) => one.name !== freight.name && one.warehouse === freight.warehouse);
  const before = others.find((one) => one.foundAt < freight.foundAt) ?? others[0];
  const [chosen, choose] = useState(before?.name ?? "");
  const other = others.find((one) => one.name === chosen) ?? before;
  if (!other) return <p className={css.none}>There is no other freight to compare it with.</p>;
  const found = differences(other.artifacts, freight.artifacts);
  return (
    <>
      <label className={css.from}>
        from{" "}
        <select value={other.name} onChange={(event) => choose(event.target.value)}>
          {others.slice(0, OFFERED_MAX).map((one) => (
            <option key={one.name} value={one.name}>
              {one.label} · {one.alias}
            </option>
          ))}
        </select>
      </label>
      {found.length === 0 ? (
        <p className={css.none}>The same artifacts.</p>
      ) : (
        <table className={css.table}>
          <tbody>
            {found.map((one) => (
              <tr key={one.url}>
                <td title={one.url}>{lastOf(one.url)}</td>
                <td className={css.old}>{one.from}</td>
                <td aria-label="to">→</td>
                <td>
                  <b>{one.to}</b>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
