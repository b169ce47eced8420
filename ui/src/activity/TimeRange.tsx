// From when, until when: a word for the usual, two instants for the rest. In the URL they are instants of everybody's clock.
import { useState } from "react";
import { localOf } from "../shared/look/time.ts";
import css from "./ActivityPage.module.css";

const HOUR_MS = 3_600_000;
const USUAL: [string, number][] = [
  ["the last hour", HOUR_MS],
  ["the last day", 24 * HOUR_MS],
  ["the last 7 days", 168 * HOUR_MS],
];

interface Props {
  from: string;
  until: string;
  onChange: (change: { from?: string | undefined; until?: string | undefined }) => void;
}

export function TimeRange({ from, until, onChange }: Props) {
  const [asks, setAsks] = useState(false);
  const isSet = from !== "" || until !== "";
  if (!asks && !isSet)
    return (
      <select
        aria-label="only this time"
        value=""
        onChange={(event) => {
          const ms = Number(event.target.value);
          if (ms > 0) onChange({ from: new Date(Date.now() - ms).toISOString() });
          else setAsks(true);
        }}
      >
        <option value="">any time</option>
        {USUAL.map(([words, ms]) => (
          <option key={ms} value={ms}>
            {words}
          </option>
        ))}
        <option value="-1">between…</option>
      </select>
    );
  return (
    <>
      <Instant name="from" value={from} onChange={(value) => onChange({ from: value })} />
      <Instant name="until" value={until} onChange={(value) => onChange({ until: value })} />
    </>
  );
}

function Instant({ name, value, onChange }: { name: string; value: string; onChange: (value: string | undefined) => void }) {
  return (
    <label className={css.instant}>
      {name}{" "}
      <input
        type="datetime-local"
        value={localOf(value)}
        onChange={(event) => onChange(event.target.value === "" ? undefined : new Date(event.target.value).toISOString())}
      />
    </label>
  );
}
