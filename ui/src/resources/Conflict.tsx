// Somebody saved the same resource meanwhile: what they changed, and how to go on without losing either.
import type { KubeObject } from "../shared/api/kubernetes.ts";
import { Diff } from "../promotion/Diff.tsx";
import { Button } from "../shared/look/Button.tsx";
import { changedBy, differenceOf, textOf } from "./text.ts";
import type { useEdit } from "./useEdit.ts";
import css from "./ResourceView.module.css";

export function Conflict({ edit, theirs }: { edit: ReturnType<typeof useEdit>; theirs: KubeObject }) {
  const onTop = edit.onTop(theirs);
  const changed = edit.object ? differenceOf(textOf(edit.object), textOf(theirs)) : "";
  const who = changedBy(theirs);
  return (
    <section className={css.conflict} role="alert" aria-label="somebody else saved">
      <p>
        <b>{who === "" ? "Somebody" : who} saved this while you wrote.</b>{" "}
        {changed === "" ? "Only what the control plane keeps account of differs." : "What changed there:"}
      </p>
      {changed !== "" && <Diff diff={changed} path="saved meanwhile" />}
      <p className={css.choices}>
        {onTop === null ? (
          <>
            Both touched the same lines.{" "}
            <Button onClick={() => edit.goOn(theirs, edit.text)} title="what they changed is then gone, where your text does not have it">
              Keep my text
            </Button>
          </>
        ) : (
          <Button look="main" onClick={() => edit.goOn(theirs, onTop)}>
            Put my change on theirs
          </Button>
        )}
        <Button onClick={edit.undo}>Take theirs</Button>
      </p>
    </section>
  );
}
