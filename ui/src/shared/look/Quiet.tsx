// A list that may not be seen, or could not be read: the server's words, quietly, in the place of the list.
import { Problem } from "../api/problem.ts";
import { ProblemNote } from "./ProblemNote.tsx";
import { Words } from "./Words.tsx";
import css from "./Quiet.module.css";

export function Quiet({ error }: { error: unknown }) {
  if (!(error instanceof Problem && [403, 404].includes(error.status))) return <ProblemNote error={error} />;
  return (
    <p className={css.quiet}>
      <Words text={error.message} />
      {error.hint !== "" && (
        <span className={css.hint}>
          <Words text={error.hint} />
        </span>
      )}
    </p>
  );
}
