// What changes from other freight to this one: versions, and the commits between them where they can be known.
import { useQuery } from "@tanstack/react-query";
import { api } from "../shared/api/client.ts";
import type { ArtifactDifference, FreightView } from "../shared/api/types.ts";
import { useOpen } from "../shared/frame/open.ts";
import { useBoard, useList } from "../shared/live/hooks.ts";
import { Quiet } from "../shared/look/Quiet.tsx";
import { lastOf } from "../shared/look/version.ts";
import { Commits } from "./Commits.tsx";
import { versionsOf } from "./difference.ts";
import { OutLink } from "./OutLink.tsx";
import css from "./Compare.module.css";

const OFFERED_MAX = 100;
const FRESH_MS = 60_000;

export function Compare({ freight }: { freight: FreightView }) {
  const { project } = useBoard();
  const { search, set } = useOpen();
  const others = useList("freight").filter((one) => one.name !== freight.name && one.warehouse === freight.warehouse);
  const before = others.find((one) => one.foundAt < freight.foundAt) ?? others[0];
  const other = others.find((one) => one.name === search.against) ?? before;
  const from = other?.name ?? "";
  const query = useQuery({
    queryKey: ["difference", project, from, freight.name],
    queryFn: () => api.difference(project, from, freight.name),
    enabled: from !== "",
    // A repository that could not be asked may answer the next time.
    staleTime: FRESH_MS,
  });
  if (!other) return <p className={css.none}>There is no other freight to compare it with.</p>;
  const offered = others.slice(0, OFFERED_MAX);
  const changed = query.data?.artifacts.filter((one) => versionsOf(one) !== null) ?? [];
  return (
    <>
      <label className={css.from}>
        from{" "}
        <select value={from} onChange={(event) => set({ against: event.target.value })}>
          {(offered.includes(other) ? offered : [other, ...offered]).map((one) => (
            <option key={one.name} value={one.name}>
              {one.label} · {one.alias}
            </option>
          ))}
        </select>
      </label>
      {query.isPending && (
        <p className={css.none} role="status">
          comparing…
        </p>
      )}
      {query.isError && <Quiet error={query.error} />}
      {query.isSuccess && changed.length === 0 && <p className={css.none}>The same artifacts.</p>}
      <ul className={css.artifacts}>
        {changed.map((one) => (
          <Changed key={`${one.kind} ${one.url}`} artifact={one} />
        ))}
      </ul>
    </>
  );
}

function Changed({ artifact }: { artifact: ArtifactDifference }) {
  const versions = versionsOf(artifact);
  if (!versions) return null;
  return (
    <li>
      <p className={css.artifact}>
        <span className={css.name} title={artifact.url}>
          {lastOf(artifact.url)}
        </span>
        <OutLink to={artifact.from?.link}>{versions.from}</OutLink>
        <span aria-label="to">→</span>
        <OutLink to={artifact.to?.link}>
          <b>{versions.to}</b>
        </OutLink>
        {artifact.link !== undefined && (
          <span className={css.whole}>
            <OutLink to={artifact.link}>whole difference</OutLink>
          </span>
        )}
      </p>
      <Commits artifact={artifact} />
    </li>
  );
}
