// A stage's name with its identity colour, wherever it is mentioned.
import { useObject } from "../live/hooks.ts";
import { stageColour } from "./colours.ts";
import css from "./StageDot.module.css";

/** The grey one, for a stage that is not there any more. */
const GONE = 7;

export function StageDot({ name }: { name: string }) {
  const colour = useObject("stages", name)?.colour ?? GONE;
  return (
    <span className={css.stage}>
      <i className={css.dot} style={{ background: stageColour(colour) }} aria-hidden="true" />
      {name}
    </span>
  );
}
