// The connection to the control plane: nothing to say while it stands; since when it is lost, and what was missed when it is back.
import { useBoard, useConnection, useMissed } from "../live/hooks.ts";
import { Button } from "../look/Button.tsx";
import { clock } from "../look/time.ts";
import { OpenLink } from "./OpenLink.tsx";
import css from "./ConnectionBar.module.css";

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
  return (
    <p className={`${css.bar} ${css.back}`} role="status">
      <b>Connected again.</b> Missed between {clock(missed.from)} and {clock(missed.until)}:{" "}
      {missed.stages.length + missed.freight.length === 0 ? (
        "nothing changed."
      ) : (
        <>
          {missed.stages.map((name) => {
            const stage = board.get("stages", name);
            return (
              <OpenLink key={name} kind="stage" name={name} className={css.one}>
                {name} {stage?.state}
                {stage?.has ? `, ${stage.has}` : ""}
              </OpenLink>
            );
          })}
          {missed.freight.map((name) => (
            <OpenLink key={name} kind="freight" name={name} className={css.one}>
              new: {board.get("freight", name)?.label}
            </OpenLink>
          ))}
        </>
      )}
      <Button look="quiet" onClick={() => board.say(null)}>
        Read
      </Button>
    </p>
  );
}
