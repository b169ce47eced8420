// The definition of what a panel shows: its YAML to be read, and the way to change it.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { kube } from "../shared/api/kubernetes.ts";
import { useBoard } from "../shared/live/hooks.ts";
import { Quiet } from "../shared/look/Quiet.tsx";
import { resourceOf, urlOf } from "./kinds.ts";
import { textOf } from "./text.ts";
import css from "./Definition.module.css";

export function Definition({ plural, name }: { plural: string; name: string }) {
  const { project } = useBoard();
  const resource = resourceOf(plural);
  const url = resource ? urlOf(resource, project, name) : "";
  const query = useQuery({ queryKey: ["resource", url], queryFn: () => kube.get(url), enabled: resource !== undefined });
  if (query.isError) return <Quiet error={query.error} />;
  if (!query.data) return <p className={css.reading}>reading…</p>;
  return (
    <>
      <pre className={css.text} tabIndex={0} aria-label="its definition">
        {textOf(query.data.object)}
      </pre>
      <Link to="/p/$project/resources/$kind/$name" params={{ project, kind: plural, name }}>
        {resource?.isReadOnly ? "Open it large" : "Change it"}
      </Link>
    </>
  );
}
