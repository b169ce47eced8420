// The files a plan writes, and the difference of the chosen one.
import type { PlanView } from "../shared/api/types.ts";
import { lastOf } from "../shared/look/version.ts";
import { Words } from "../shared/look/Words.tsx";
import { Diff } from "./Diff.tsx";
import css from "./PlanFiles.module.css";

export function PlanFiles({ plan, at, onAt }: { plan: PlanView; at: number; onAt: (index: number) => void }) {
  const file = plan.files[at];
  if (plan.failure)
    return (
      <div className={css.none}>
        <p>
          This cannot be planned: <Words text={plan.failure.message} />
        </p>
      </div>
    );
  if (!file) return <div className={css.none}>It would write no file.</div>;
  return (
    <div className={css.files}>
      <ul className={css.list} aria-label="files">
        {plan.files.map((one, index) => (
          <li key={`${one.repository} ${one.branch} ${one.path}`}>
            <button
              type="button"
              aria-current={index === at}
              className={css.file}
              onClick={() => onAt(index)}
              title={`${one.path} on ${one.branch} of ${one.repository}`}
            >
              <span className={css.path}>{one.path}</span>
              <span className={css.branch}>
                {lastOf(one.repository)} · {one.branch}
              </span>
              <span className={css.counts}>
                <span className={css.added}>+{one.added}</span> <span className={css.removed}>−{one.removed}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {file.binary ? (
        <p className={css.none}>A binary file: there is no difference to show; the digest covers it.</p>
      ) : (
        <Diff key={file.path} diff={file.diff} path={file.path} />
      )}
      {plan.truncated && <p className={css.none}>Some differences were left out, they are too big; the digest covers them.</p>}
    </div>
  );
}
