// A freight's version as a hero, with the names and the other versions small beneath it; where there is little room, versions go before names.
import { Fragment } from "react";
import { cutMiddle, partsOf } from "./version.ts";
import css from "./Version.module.css";

const LARGE_MAX = 10; // Characters that fit a node at the largest size; longer ones are set a size smaller before they are cut.

export function Version({ label, max = 16, empty = "nothing yet" }: { label: string; max?: number; empty?: string }) {
  const parts = partsOf(label);
  const first = parts[0];
  if (!first) return <span className={css.none}>{empty}</span>;
  const rest = parts.slice(1);
  const isSmall = max <= 16;
  const isLong = isSmall && first.version.length > LARGE_MAX;
  return (
    <span className={css.version} title={label}>
      <span className={`${css.hero} ${isLong ? css.long : ""}`}>{cutMiddle(first.version, max)}</span>
      <span className={css.rest}>
        <span className={css.name}>{first.name}</span>
        {rest.map((part, at) => (
          <Fragment key={at}>
            <span>·</span>
            {!isSmall && <span className={css.name}>{part.name}</span>}
            <span>{part.version}</span>
          </Fragment>
        ))}
      </span>
    </span>
  );
}
