// A small form in a dialog: named fields, one button that says what it does, and the server's words if it is refused.
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Button } from "./Button.tsx";
import { Dialog } from "./Dialog.tsx";
import { ProblemNote } from "./ProblemNote.tsx";
import css from "./Form.module.css";

interface Props {
  title: string;
  /** What the button does, in words. */
  verb: string;
  act: (given: FormData) => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
  children: ReactNode;
}

export function FormDialog({ title, verb, act, onDone, onClose, children }: Props) {
  const asked = useMutation({ mutationFn: act, onSuccess: onDone });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          asked.mutate(new FormData(event.currentTarget));
        }}
      >
        {children}
        {asked.isError && <ProblemNote error={asked.error} />}
        <footer className={css.foot}>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" look="main" disabled={asked.isPending}>
            {asked.isPending ? "asking…" : verb}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

export function Field({ name, hint, children }: { name: string; hint?: string; children: ReactNode }) {
  return (
    <div className={css.field}>
      <label className={css.field}>
        <span className={css.name}>{name}</span>
        {children}
      </label>
      {hint !== undefined && <p className={css.hint}>{hint}</p>}
    </div>
  );
}

/** Several boxes to tick under one name. */
export function Choices({ name, hint, children }: { name: string; hint?: string; children: ReactNode }) {
  return (
    <fieldset className={css.choices}>
      <legend className={css.name}>{name}</legend>
      <div className={css.boxes}>{children}</div>
      {hint !== undefined && <span className={css.hint}>{hint}</span>}
    </fieldset>
  );
}
