// One resource: its text in the editor, what a try would change, errors at their lines, and what became of saving.
import { Link } from "@tanstack/react-router";
import { useBoard, useIsLive, useRights } from "../shared/live/hooks.ts";
import { Button } from "../shared/look/Button.tsx";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { Words } from "../shared/look/Words.tsx";
import { Diff } from "../promotion/Diff.tsx";
import { Conflict } from "./Conflict.tsx";
import { Editor } from "./Editor.tsx";
import { urlOf, type Resource } from "./kinds.ts";
import { statusText } from "./text.ts";
import { useEdit } from "./useEdit.ts";
import css from "./ResourceView.module.css";

export function ResourceView({ resource, name }: { resource: Resource; name: string }) {
  const { project } = useBoard();
  const isLive = useIsLive();
  const rights = useRights();
  const url = urlOf(resource, project, name);
  const edit = useEdit(url);
  const { query, object, trial, save, moved, faults } = edit;
  if (query.isError && !object)
    return (
      <div className={css.problem}>
        <ProblemNote error={query.error} />
      </div>
    );
  if (!object) return <p className={css.reading}>reading {name}…</p>;
  const isReadOnly = resource.isReadOnly === true || !rights.write;
  const asks = trial.isPending || save.isPending;
  const doTry = () => {
    if (isLive && !asks && !isReadOnly && edit.isChanged && moved === null) trial.mutate();
  };
  const status = statusText(object);
  const error = trial.error ?? save.error;
  return (
    <>
      <header className={css.head}>
        <div className={css.title}>
          <p className={css.kind}>
            <Link className={css.back} to="/p/$project/resources/$kind" params={{ project, kind: resource.plural }}>
              ‹ {resource.words}
            </Link>
            <span className={css.one}>{resource.kind}</span>
          </p>
          <h2>{name}</h2>
        </div>
        <p className={css.state} role="status">
          {isReadOnly
            ? resource.isReadOnly
              ? "written by the control plane: to be read only"
              : "you may read it, not write it"
            : edit.isChanged
              ? trial.data && !trial.isError
                ? "tried, not saved"
                : "changed, not saved"
              : save.isSuccess && save.data
                ? "saved"
                : "as it is now"}
        </p>
        {!isReadOnly && (
          <>
            <Button disabled={!edit.isChanged || asks} onClick={edit.undo}>
              Undo
            </Button>
            <Button
              disabled={!isLive || asks || !edit.isChanged || moved !== null}
              title="the server checks it and keeps nothing"
              keys="Ctrl-Enter"
              onClick={doTry}
            >
              {trial.isPending ? "asking…" : "Try"}
            </Button>
            <Button look="main" disabled={!isLive || asks || !edit.isChanged || moved !== null} onClick={() => save.mutate()}>
              {save.isPending ? "asking…" : "Save"}
            </Button>
          </>
        )}
      </header>
      {moved && edit.isChanged && <Conflict edit={edit} theirs={moved} />}
      {error && faults.length === 0 && !(moved && error === save.error) && (
        <div className={css.problem}>
          <ProblemNote error={error} />
        </div>
      )}
      {faults.length > 0 && (
        <ul className={css.faults} aria-label="errors">
          {faults.map((fault, index) => (
            <li key={index}>
              <StateMark state="failed" word={false} /> <b>line {fault.line}</b> <Words text={fault.message} />
            </li>
          ))}
        </ul>
      )}
      {trial.data && edit.isChanged && moved === null && (
        <section className={css.tried} aria-label="what it would change">
          <p>
            <StateMark state="succeeded" word={false} /> It would be accepted
            {trial.data.tried.difference === "" ? ", and would change nothing." : ". What would change:"}
          </p>
          {trial.data.tried.warnings.map((warning) => (
            <p key={warning} className={css.warning}>
              <StateMark state="waiting" word={false} /> {warning}
            </p>
          ))}
          {trial.data.tried.difference !== "" && <Diff diff={trial.data.tried.difference} path={name} />}
        </section>
      )}
      <div className={css.text}>
        <Editor
          text={edit.text}
          onChange={edit.write}
          isReadOnly={isReadOnly}
          faults={faults}
          label={`${resource.kind} ${name} as YAML`}
          onTry={doTry}
        />
      </div>
      {status !== "" && (
        <details className={css.status}>
          <summary>Status, as the control plane writes it</summary>
          <pre tabIndex={0}>{status}</pre>
        </details>
      )}
    </>
  );
}
