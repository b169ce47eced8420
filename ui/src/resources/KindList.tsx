// The kinds, and the names of the chosen one.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { kube } from "../shared/api/kubernetes.ts";
import { useBoard, useList } from "../shared/live/hooks.ts";
import { Quiet } from "../shared/look/Quiet.tsx";
import { RESOURCES, urlOf, type Resource } from "./kinds.ts";
import css from "./ResourcesPage.module.css";

const SHOWN_MAX = 200;

export function KindList({ chosen, name }: { chosen: string; name: string | undefined }) {
  const { project } = useBoard();
  return (
    <nav className={css.kinds} aria-label="kinds">
      <h1>Resources</h1>
      <ul>
        {RESOURCES.map((one) => (
          <li key={one.plural}>
            <Link
              to="/p/$project/resources/$kind"
              params={{ project, kind: one.plural }}
              className={css.kind}
              aria-current={chosen === one.plural && name === undefined ? "page" : undefined}
              data-open={chosen === one.plural}
            >
              {one.words}
            </Link>
            {chosen === one.plural && <Names resource={one} chosen={name} />}
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Names({ resource, chosen }: { resource: Resource; chosen: string | undefined }) {
  const { project } = useBoard();
  const url = urlOf(resource, project);
  const query = useQuery({ queryKey: ["resources", url], queryFn: () => kube.list(url, SHOWN_MAX), staleTime: 10_000 });
  const labels = new Map(useList("freight").map((one) => [one.name, one.label]));
  if (query.isError) return <Quiet error={query.error} />;
  const names = query.data?.object.items.map((one) => one.metadata.name) ?? [];
  return (
    <ul className={css.names}>
      {query.isSuccess && names.length === 0 && <li className={css.none}>none</li>}
      {names.map((name) => (
        <li key={name}>
          <Link
            to="/p/$project/resources/$kind/$name"
            params={{ project, kind: resource.plural, name }}
            className={css.name}
            aria-current={name === chosen ? "page" : undefined}
            title={name}
            data-nav="rows"
          >
            {(resource.kind === "Freight" && labels.get(name)) || name}
          </Link>
        </li>
      ))}
      {query.data?.object.metadata?.continue && <li className={css.none}>and more: find one by Ctrl-K</li>}
    </ul>
  );
}
