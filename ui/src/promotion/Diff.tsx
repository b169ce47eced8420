// A file's difference: numbers, a sign, the line; colour only repeats the sign.
import { useMemo, useState } from "react";
import { Button } from "../shared/look/Button.tsx";
import { parseDiff } from "./diff.ts";
import css from "./Diff.module.css";

const SIGN = { context: " ", added: "+", removed: "−", gap: "⋯" } as const;
const LINES_AT_ONCE = 400;

export function Diff({ diff, path }: { diff: string; path: string }) {
  const lines = useMemo(() => parseDiff(diff), [diff]);
  const [limit, setLimit] = useState(LINES_AT_ONCE);
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={`difference of ${path}`}>
      <table className={css.diff}>
        <tbody>
          {lines.slice(0, limit).map((line, index) => (
            <tr key={index} className={css[line.kind]}>
              <td className={css.number}>{line.before}</td>
              <td className={css.number}>{line.after}</td>
              <td className={css.sign}>{SIGN[line.kind]}</td>
              <td className={css.text}>{line.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > limit && (
        <Button look="quiet" onClick={() => setLimit(lines.length)}>
          {lines.length - limit} more lines
        </Button>
      )}
    </div>
  );
}
