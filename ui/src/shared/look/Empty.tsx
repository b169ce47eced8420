// An empty place teaches: what would be here, and the command that makes it so.
import { Copy } from "./Copy.tsx";
import css from "./Empty.module.css";

export function Empty({ what, command, then }: { what: string; command?: string; then?: string }) {
  return (
    <div className={css.empty} data-place="empty">
      <p>{what}</p>
      {command !== undefined && (
        <p className={css.command}>
          <span aria-hidden="true">$ </span>
          <Copy text={command} label="command" />
        </p>
      )}
      {then !== undefined && <p className={css.then}>{then}</p>}
    </div>
  );
}
