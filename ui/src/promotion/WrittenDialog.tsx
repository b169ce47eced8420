// What a promotion planned on the left, what git says it wrote on the right, file by file.
import type { PlannedFile, PromotionView } from "../shared/api/types.ts";
import { useGo } from "../shared/frame/open.ts";
import { Copy } from "../shared/look/Copy.tsx";
import { Dialog } from "../shared/look/Dialog.tsx";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { lastOf, short } from "../shared/look/version.ts";
import { Diff } from "./Diff.tsx";
import { useWritten } from "./useWritten.ts";
import { isAsPlanned, pairsOf } from "./written.ts";
import css from "./WrittenDialog.module.css";

export function WrittenDialog({ view }: { view: PromotionView }) {
  const { set } = useGo();
  const { planned, written } = view;
  const { data: told, isLoading, error } = useWritten(view);
  const asPlanned = isAsPlanned(planned, written, told);
  return (
    <Dialog title={`${view.label} into ${view.stage}: planned and written`} size="wide" onClose={() => set({ shows: undefined })}>
      <p className={css.sum}>
        {asPlanned === true && (
          <>
            <StateMark state="verified" word={false} /> What was written is equal to the plan.
          </>
        )}
        {asPlanned === false && (
          <>
            <StateMark state="failed" word={false} /> <b>What was written is not what was planned.</b>
          </>
        )}
        {asPlanned === null &&
          !isLoading &&
          (!written
            ? "Nothing was pushed yet."
            : planned
              ? "Whether it is equal to the plan cannot be told."
              : "It was asked without a plan that is still kept: this is what it wrote.")}
        {isLoading && " Git is being asked what was written…"}
      </p>
      {told?.unknown.map((why) => (
        <p key={why} className={css.sum}>
          {why}
        </p>
      ))}
      {error && <ProblemNote error={error} />}
      <div className={css.files}>
        <div className={`${css.pair} ${css.heads}`} aria-hidden="true">
          <h3>planned {planned && <Copy text={planned.digest} shown={short(planned.digest, 12)} label="digest of the plan" />}</h3>
          <h3>
            written{" "}
            {written && written.digest !== "" && (
              <Copy text={written.digest} shown={short(written.digest, 12)} label="digest of what was written" />
            )}
          </h3>
        </div>
        {pairsOf(planned, told).map((pair) => (
          <section key={`${pair.repository} ${pair.branch} ${pair.path}`} aria-label={pair.path}>
            <p className={css.path}>
              <code>{pair.path}</code>
              <span className={css.where}>
                {lastOf(pair.repository)} · {pair.branch}
              </span>
              {planned && told && told.unknown.length === 0 && (
                <span className={pair.isEqual ? css.where : css.differs}>{pair.isEqual ? "equal" : "differs"}</span>
              )}
            </p>
            <div className={css.pair}>
              <Side name="planned" file={pair.planned} path={pair.path} none={planned ? "not planned" : "no plan is kept"} />
              <Side
                name="written"
                file={pair.written}
                path={pair.path}
                none={
                  !written ? "nothing yet" : !told ? "git has not answered" : told.unknown.length > 0 ? "git does not tell" : "not written"
                }
              />
            </div>
          </section>
        ))}
        {(planned?.truncated || told?.truncated) && (
          <p className={css.sum}>Some differences were left out, they are too big; the digests cover them.</p>
        )}
      </div>
    </Dialog>
  );
}

function Side({ name, file, path, none }: { name: string; file: PlannedFile | undefined; path: string; none: string }) {
  return (
    <div className={css.side} role="group" aria-label={name}>
      {file === undefined ? (
        <p className={css.none}>{none}</p>
      ) : file.binary ? (
        <p className={css.none}>a binary file; the digest covers it</p>
      ) : (
        <Diff diff={file.diff} path={`${name} ${path}`} />
      )}
    </div>
  );
}
