// The connection to the control plane: nothing to say while it stands; since when it is lost, and what was missed when it is back.
import { Link } from "@tanstack/react-router";
import type { Missed } from "../live/board.ts";
import { useBoard, useConnection, useMissed } from "../live/hooks.ts";
import { Button } from "../look/Button.tsx";
import { clock } from "../look/time.ts";
import { PAGES } from "./open.ts";
import { OpenLink } from "./OpenLink.tsx";
import css from "./ConnectionBar.module.css";

const SHOWN_MAX = 5;

export function ConnectionBar() {
  const board = useBoard();
  const connection = useConnection();
  const missed = useMissed();
  if (connection.state === "lost") {
    return (
      <p className={`${css.bar} ${css.lost}`} role="alert">
        <b>No connection since {clock(connection.since)}.</b> What you see is as it was then; nothing can be asked until it is back. Trying
        again. <span className={css.why}>({connection.why})</span>
      </p>
    );
  }
  if (!missed) return <div role="status" />;
  const n = missed.stages.length + missed.freight.length;
  return (
    <p className={`${css.bar} ${css.back}`} role="status">
      <b>Connected again.</b> Missed between {clock(missed.from)} and {clock(missed.until)}:{" "}
      {n === 0 ? "nothing changed." : n === 1 ? "1 change: " : `${n} changes: `}
      {missed.freight.slice(0, SHOWN_MAX).map((name) => (
        <OpenLink key={name} kind="freight" name={name} className={css.one}>
          new: {board.get("freight", name)?.label}
        </OpenLink>
      ))}
      {missed.stages.slice(0, SHOWN_MAX).map((name) => {
        const stage = board.get("stages", name);
        return (
          <OpenLink key={name} kind="stage" name={name} className={css.one}>
            {name} {stage?.state}
            {stage?.has ? `, ${stage.has}` : ""}
          </OpenLink>
        );
      })}
      {n > 0 && (
        <Link to={PAGES.activity} params={{ project: board.project }} search={range(missed)} className={css.one}>
          what happened then
        </Link>
      )}
      <Button look="quiet" onClick={() => board.say(null)}>
        Dismiss
      </Button>
    </p>
  );
}

const range = ({ from, until }: Missed) => ({ from: new Date(from).toISOString(), until: new Date(until).toISOString() });
