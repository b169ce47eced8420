// What is where: services by stages, over all projects one may see, versions first.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "../shared/api/client.ts";
import type { Cell } from "../shared/api/types.ts";
import { useOpen } from "../shared/frame/open.ts";
import { useBoard, useIsLive, useList } from "../shared/live/hooks.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { stageColour } from "../shared/look/state.ts";
import { StateMark } from "../shared/look/StateMark.tsx";
import { cutMiddle } from "../shared/look/version.ts";
import { tableOf } from "./table.ts";
import css from "./WhatIsWherePage.module.css";

const LOOK_AGAIN_MS = 30_000; // Other projects have no stream here.

export function WhatIsWherePage() {
  const { project } = useBoard();
  const stages = useList("stages");
  const isLive = useIsLive();
  const { search, set } = useOpen();
  const query = useQuery({ queryKey: ["what-is-where"], queryFn: api.whatIsWhere, refetchInterval: isLive ? LOOK_AGAIN_MS : false });
  const { refetch } = query;
  useEffect(() => {
    void refetch();
  }, [stages, refetch]);
  const table = query.data && tableOf(query.data, search.filter);
  const projects = new Set(table?.columns.map((column) => column.project));
  const colour = (at: number) => stageColour(stages.find((one) => one.name === table?.columns[at]?.stage)?.index ?? at);
  return (
    <section className={css.page}>
      <header className={css.head}>
        <h1>What is where</h1>
        <input
          className={css.filter}
          data-filter
          type="search"
          placeholder="filter"
          aria-label="filter services and versions"
          title="filter (/)"
          value={search.filter ?? ""}
          onChange={(event) => set({ filter: event.target.value || undefined })}
        />
      </header>
      {query.isError && <ProblemNote error={query.error} />}
      {table && table.rows.length === 0 && (
        <Empty
          what={search.filter ? `No service matches “${search.filter}”.` : "Nothing is anywhere yet."}
          command="seaway get stages"
          then="A service appears here with the first promotion of its image, chart or commit."
        />
      )}
      {table && table.rows.length > 0 && (
        <div className={css.scroll} tabIndex={0} role="region" aria-label="services by stages">
          <table className={css.table}>
            <thead>
              <tr>
                <th scope="col">service</th>
                {table.columns.map((column, at) => (
                  <th key={`${column.project}/${column.stage}`} scope="col">
                    <i className={css.bar} style={{ background: colour(at) }} />
                    {projects.size > 1 && <span className={css.project}>{column.project} </span>}
                    {column.stage}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row) => (
                <tr key={row.service}>
                  <th scope="row">{row.service}</th>
                  {row.cells.map((cell, at) => (
                    <td key={at}>{cell && <Where cell={cell} isHere={cell.project === project} />}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Where({ cell, isHere }: { cell: Cell; isHere: boolean }) {
  const { open } = useOpen();
  const inside = (
    <>
      <span className={css.version}>{cell.version === "" ? "–" : cutMiddle(cell.version, 16)}</span>
      <span className={css.small}>
        <StateMark state={cell.state} /> {cell.since && <Ago at={cell.since} />}
      </span>
    </>
  );
  const href = `/p/${encodeURIComponent(cell.project)}?stage=${encodeURIComponent(cell.stage)}`;
  return (
    <a
      className={css.cell}
      href={href}
      title={cell.version}
      data-nav="cells"
      {...(isHere ? { "data-kind": "stage", "data-name": cell.stage } : {})}
      onClick={(event) => {
        if (isHere && !event.ctrlKey && !event.metaKey) {
          event.preventDefault();
          open("stage", cell.stage);
        }
      }}
    >
      {inside}
    </a>
  );
}
