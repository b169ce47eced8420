// A freight's version as a hero, with the names and the other versions small beneath it.
import { cutMiddle, partsOf } from "./version.ts";
import css from "./Version.module.css";

export function Version({ label, max = 14, empty = "nothing yet" }: { label: string; max?: number; empty?: string }) {
  const parts = partsOf(label);
  const first = parts[0];
  if (!first) return <span className={css.none}>{empty}</span>;
  const rest = parts.slice(1).map((part) => `${part.name} ${part.version}`).join(", ");
  return (
    <span className={css.version} title={label}>
      <span className={css.hero}>{cutMiddle(first.version, max)}</span>
      <span className={css.name}>{[first.name, rest].filter(Boolean).join(" · ")}</span>
    </span>
  );
}
