// A refusal or failure in the server's words, with the id that is in its log.
import { Problem } from "../api/problem.ts";
import { Copy } from "./Copy.tsx";
import { Words } from "./Words.tsx";
import css from "./ProblemNote.module.css";

export function ProblemNote({ error }: { error: unknown }) {
  const problem = error instanceof Problem ? error : new Problem({ title: "a fault of the page", detail: String(error) }, 0);
  return (
    <div className={css.note} role="alert">
      <p>
        <Words text={problem.message} />
      </p>
      {problem.hint !== "" && (
        <p className={css.hint}>
          <Words text={problem.hint} />
        </p>
      )}
      {problem.id !== "" && (
        <p className={css.id}>
          id in the log: <Copy text={problem.id} label="log id" />
        </p>
      )}
    </div>
  );
}
