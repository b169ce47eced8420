// Whether what git says was written is what was planned, where it was pushed, and the way to see both side by side.
import type { PromotionView } from "../shared/api/types.ts";
import { useGo } from "../shared/frame/open.ts";
import { Button } from "../shared/look/Button.tsx";
import { Copy } from "../shared/look/Copy.tsx";
import { Actions, Row, Rows, Section } from "../shared/look/Section.tsx";
import { StateMark } from "../shared/look/StateMark.tsx";
import { lastOf, short } from "../shared/look/version.ts";
import { useWritten } from "./useWritten.ts";
import { isAsPlanned, isWhole, pairsOf } from "./written.ts";

export function WrittenSection({ view }: { view: PromotionView }) {
  const { set } = useGo();
  const { data: told, isLoading } = useWritten(view);
  const { planned, written } = view;
  if (!planned && !written) return null;
  const asPlanned = isAsPlanned(planned, written, told);
  const differ = isWhole(told) ? pairsOf(planned, told).filter((pair) => !pair.isEqual).length : 0;
  return (
    <Section title="Planned and written">
      <Rows>
        {planned && (
          <Row name="planned">
            {countOf(planned.files.length)} <Copy text={planned.digest} shown={short(planned.digest, 12)} label="digest of the plan" />
          </Row>
        )}
        <Row name="written">
          {written ? (
            <>
              {told && told.files.length > 0
                ? countOf(told.files.length)
                : written.commits.length === 1
                  ? "1 commit"
                  : `${written.commits.length} commits`}
              {isLoading && ", being read from git…"}
              {asPlanned === true && (
                <>
                  {" "}
                  <StateMark state="verified" word={false} /> equal to the plan
                </>
              )}
              {asPlanned === false && (
                <>
                  {" "}
                  <StateMark state="failed" word={false} /> <b>not what was planned</b>
                  {differ > 0 && `: ${differ === 1 ? "1 file differs" : `${differ} files differ`}`}
                </>
              )}
            </>
          ) : (
            "nothing yet"
          )}
        </Row>
        {written?.commits.map((one) => (
          <Row key={`${one.repository} ${one.commit}`} name="commit">
            {one.link !== undefined && /^https?:/.test(one.link) ? (
              <a href={one.link} target="_blank" rel="noreferrer">
                <code>{short(one.commit)}</code>
              </a>
            ) : (
              <Copy text={one.commit} shown={short(one.commit)} label="commit" />
            )}{" "}
            on {one.branch} of {lastOf(one.repository)}
          </Row>
        ))}
      </Rows>
      {told?.unknown.map((why) => (
        <p key={why}>{why}</p>
      ))}
      {(planned || (told && told.files.length > 0)) && (
        <Actions>
          <Button onClick={() => set({ shows: "written" })}>
            {planned && written ? "Show both, side by side" : written ? "Show what was written" : "Show what was planned"}
          </Button>
        </Actions>
      )}
    </Section>
  );
}

const countOf = (n: number) => (n === 1 ? "1 file" : `${n} files`);
