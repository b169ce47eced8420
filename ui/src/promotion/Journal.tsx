// The journal: what was written down, in order.
import type { JournalEvent } from "../shared/api/types.ts";
import { absolute, clock } from "../shared/look/time.ts";
import css from "./Journal.module.css";

export function Journal({ events }: { events: readonly JournalEvent[] }) {
  if (events.length === 0) return <p className={css.none}>Nothing is written down yet.</p>;
  return (
    <ol className={css.journal}>
      {events.map((event, index) => (
        <li key={index}>
          <time dateTime={event.at} title={absolute(event.at)}>
            {clock(event.at)}
          </time>{" "}
          <span>
            <b>{event.name}</b> {event.step} <span className={css.message}>{event.message}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
