// A stage's name with its identity colour, wherever it is mentioned.
import { useObject } from "../live/hooks.ts";
import { stageColour } from "./state.ts";
import css from "./StageDot.module.css";

export function StageDot({ name }: { name: string }) {
  const index = useObject("stages", name)?.index ?? 7;
  return (
    <span className={css.stage}>
      <i className={css.dot} style={{ background: stageColour(index) }} aria-hidden="true" />
      {name}
    </span>
  );
}
