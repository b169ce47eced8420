// A step was interrupted between asking and answer: a person looks, then says what became of it.
import { api } from "../shared/api/client.ts";
import type { PromotionView } from "../shared/api/types.ts";
import { useBoard } from "../shared/live/hooks.ts";
import { Action } from "../shared/look/Action.tsx";
import { Section } from "../shared/look/Section.tsx";
import css from "./Resolve.module.css";

export function Resolve({ view }: { view: PromotionView }) {
  const { project } = useBoard();
  const step = view.uncertainStep;
  if (step === undefined) return null;
  const act = (choice: "repeat" | "skip") => () => api.resolve(project, view.name, choice);
  return (
    <Section title="What became of it?">
      <p>
        Nobody knows whether <code>{step}</code> happened: it was interrupted after it began. Look there, then say:
      </p>
      <div className={css.choices}>
        <Action label="Repeat it" sure="It may then happen twice." answered={view.phase} act={act("repeat")} />
        <p>It did not happen, or does no harm twice: the step runs again from its beginning.</p>
        <Action label="Skip it" sure="It is then taken as done, without outputs." answered={view.phase} act={act("skip")} />
        <p>It happened: it is taken as done, without outputs, and the next step runs.</p>
      </div>
    </Section>
  );
}
