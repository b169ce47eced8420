// What is where: services by stages, over all projects one may see, versions first.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "../shared/api/client.ts";
import { useOpen } from "../shared/frame/open.ts";
import { useBoard, useIsLive, useList } from "../shared/live/hooks.ts";
import { Empty } from "../shared/look/Empty.tsx";
import { useIsNarrow } from "../shared/look/media.ts";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { ProjectTable } from "./ProjectTable.tsx";
import { tablesOf } from "./table.ts";
import css from "./WhatIsWherePage.module.css";

const LOOK_AGAIN_MS = 30_000; // Other projects have no stream here.

export function WhatIsWherePage() {
  const { project } = useBoard();
  const stages = useList("stages");
  const isLive = useIsLive();
  const isNarrow = useIsNarrow();
  const { search, set } = useOpen();
  const query = useQuery({ queryKey: ["what-is-where"], queryFn: api.whatIsWhere, refetchInterval: isLive ? LOOK_AGAIN_MS : false });
  const { refetch } = query;
  useEffect(() => {
    void refetch({ cancelRefetch: false });
  }, [stages, refetch]);
  const tables = query.data && tablesOf(query.data, project, search.filter);
  const isOnlyHere = tables?.every((table) => table.project === project) ?? true;
  return (
    <section className={css.page}>
      <header className={css.head}>
        <h1>What is where</h1>
        <input
          className={css.filter}
          data-filter
          type="search"
          placeholder="filter"
          aria-label="filter services, stages, versions and states"
          title="filter: fund-transfer, 1.5.1, failed (/)"
          value={search.filter ?? ""}
          onChange={(event) => set({ filter: event.target.value || undefined })}
        />
      </header>
      {query.isError && <ProblemNote error={query.error} />}
      {tables?.length === 0 && (
        <Empty
          what={search.filter ? `No service matches “${search.filter}”.` : "Nothing is anywhere yet."}
          command="seaway get stages"
          then="A service appears here with the first promotion of its image, chart or commit."
        />
      )}
      {tables?.map((table) => (
        <section key={table.project} className={css.project} aria-label={table.project}>
          {!isOnlyHere && (
            <h2>
              <a href={`/p/${encodeURIComponent(table.project)}`}>{table.project}</a>
            </h2>
          )}
          <ProjectTable table={table} isNarrow={isNarrow} />
        </section>
      ))}
    </section>
  );
}
