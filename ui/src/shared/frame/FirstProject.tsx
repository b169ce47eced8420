// No project was named: the first one there is, or how to make one.
import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { api } from "../api/client.ts";
import { Empty } from "../look/Empty.tsx";
import { ProblemNote } from "../look/ProblemNote.tsx";

export function FirstProject() {
  const projects = useQuery({ queryKey: ["projects"], queryFn: api.projects });
  const first = projects.data?.items[0];
  if (first) return <Navigate to="/p/$project" params={{ project: first.name }} replace />;
  if (projects.isError)
    return (
      <main>
        <ProblemNote error={projects.error} />
      </main>
    );
  if (projects.isPending) return null;
  return (
    <main>
      <Empty
        what="There is no project yet, or none that you may see."
        command="seaway apply -f examples/bank"
        then="Its pipeline appears here as soon as it is there."
      />
    </main>
  );
}
