// What happened lately: the newest promotions.
import { Link, useParams } from "@tanstack/react-router";
import { PAGES } from "../shared/frame/open.ts";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useList } from "../shared/live/hooks.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { StageDot } from "../shared/look/StageDot.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { Words } from "../shared/look/Words.tsx";
import css from "./Lately.module.css";

const SHOWN = 12;

export function Lately() {
  const { project } = useParams({ strict: false }) as { project: string };
  const rows = useList("promotions").slice(0, SHOWN);
  if (rows.length === 0) return null;
  return (
    <section className={css.lately} aria-label="what happened lately">
      <header className={css.head}>
        <h2>Lately</h2>
        <Link to={PAGES.activity} params={{ project }} title="activity (g a)">
          all activity
        </Link>
      </header>
      <table className={css.table}>
        <thead className="visually-hidden">
          <tr>
            <th>stage</th>
            <th>freight</th>
            <th>phase</th>
            <th>in words</th>
            <th>by</th>
            <th>when</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td>
                <StageDot name={row.stage} />
              </td>
              <td className={css.freight}>
                <OpenLink
                  kind="promotion"
                  name={row.name}
                  className={css.label}
                  data-nav="lately"
                  data-kind="promotion"
                  data-name={row.name}
                  title={row.name}
                >
                  {row.label}
                </OpenLink>
              </td>
              <td>
                <StateMark state={row.phase} />
              </td>
              <td className={css.message} title={row.message}>
                <Words text={row.message} />
              </td>
              <td className={css.actor}>{row.actor}</td>
              <td className={css.when}>
                <Ago at={row.finishedAt ?? row.startedAt ?? row.createdAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
