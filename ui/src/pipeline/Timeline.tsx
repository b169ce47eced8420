// The freight timeline: newest first; drag onto a stage, or press p.
import { useState } from "react";
import { useOpen } from "../shared/frame/open.ts";
import { useList, useRights } from "../shared/live/hooks.ts";
import { Button } from "../shared/look/Button.tsx";
import { FreightCard } from "./FreightCard.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { freightMatches } from "./filter.ts";
import css from "./Timeline.module.css";

const SHOWN_AT_ONCE = 40;

export function Timeline() {
  const maySomewhere = useRights().promote.length > 0;
  const freight = useList("freight");
  const { search, set } = useOpen();
  const [limit, setLimit] = useState(SHOWN_AT_ONCE);
  const found = freight.filter((one) => freightMatches(one, search.filter ?? ""));
  return (
    <section className={css.timeline} aria-label="freight">
      <header className={css.head}>
        <h2>Freight</h2>
        <input
          className={css.filter}
          data-filter
          type="search"
          placeholder="filter"
          aria-label="filter freight and stages by version, name or state"
          title="filter freight and stages: 1.5.1, prod, failed (/)"
          value={search.filter ?? ""}
          onChange={(event) => set({ filter: event.target.value || undefined })}
        />
        <p className={css.hint}>
          newest first
          {maySomewhere && (
            <>
              {" "}
              · drag onto a stage, or press <kbd>p</kbd>
            </>
          )}
        </p>
      </header>
      <ol className={css.cards}>
        {found.slice(0, limit).map((one) => (
          <FreightCard key={one.name} name={one.name} />
        ))}
        {found.length > limit && (
          <li className={css.more}>
            <Button onClick={() => setLimit(limit + SHOWN_AT_ONCE)}>{found.length - limit} older</Button>
          </li>
        )}
        {freight.length > 0 && found.length === 0 && <li className={css.none}>No freight matches “{search.filter}”.</li>}
      </ol>
      {freight.length === 0 && (
        <Empty
          what="No freight yet: it appears when a warehouse has found one of everything it watches."
          command="seaway why"
          then="Then it can be dragged onto a stage."
        />
      )}
    </section>
  );
}
