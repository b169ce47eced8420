// The commits between two versions of an artifact, newest first.
import { useState } from "react";
import type { ArtifactDifference } from "../shared/api/types.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { short } from "../shared/look/version.ts";
import { Words } from "../shared/look/Words.tsx";
import { OutLink } from "./OutLink.tsx";
import css from "./Compare.module.css";

const AT_ONCE = 8;

export function Commits({ artifact }: { artifact: ArtifactDifference }) {
  const [all, showAll] = useState(false);
  const { commits } = artifact;
  const shown = all ? commits : commits.slice(0, AT_ONCE);
  return (
    <>
      {shown.length > 0 && (
        <ul className={css.commits}>
          {shown.map((one) => (
            <li key={one.commit}>
              <OutLink to={one.link}>
                <code>{short(one.commit, 7)}</code>
              </OutLink>
              <span className={css.subject} title={one.subject}>
                {one.subject}
              </span>
              <span className={css.who}>
                {one.author} <Ago at={one.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {commits.length > shown.length && (
        <Button look="quiet" onClick={() => showAll(true)}>
          {commits.length - shown.length} more commits
        </Button>
      )}
      {artifact.truncated && <p className={css.none}>There are more commits than are listed here.</p>}
      {artifact.note !== undefined && artifact.note !== "" && (
        <p className={css.none}>
          <Words text={artifact.note} />
        </p>
      )}
    </>
  );
}
