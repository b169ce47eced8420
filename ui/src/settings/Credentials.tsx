// The credentials that projects have: names, kinds and URLs. Their values never come to the page.
import { useQuery } from "@tanstack/react-query";
import { api } from "../shared/api/client.ts";
import { kube } from "../shared/api/kubernetes.ts";
import { Empty } from "../shared/look/Empty.tsx";
import { Quiet } from "../shared/look/Quiet.tsx";
import { Section } from "../shared/look/Section.tsx";
import table from "../shared/look/Table.module.css";

export function Credentials() {
  const credentials = useQuery({ queryKey: ["credentials"], queryFn: api.credentials });
  const mayList = useQuery({ queryKey: ["may list secrets"], queryFn: () => kube.may("list", "", "secrets") });
  const rows = credentials.data?.items ?? [];
  return (
    <Section title="Credentials">
      {credentials.isError && <Quiet error={credentials.error} />}
      {credentials.isSuccess && !mayList.isPending && rows.length === 0 && (
        <Empty
          what={
            mayList.data
              ? "No credentials: every registry and repository is read as anybody."
              : "None that you may see: there may be others, of projects whose secrets you may not list."
          }
          {...(mayList.data ? { command: "seaway apply -f credentials.yaml" } : {})}
          then="A Secret with the label kargo.akuity.io/cred-type: its name, kind and URL then stand here, never its values."
        />
      )}
      {rows.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th scope="col">name</th>
              <th scope="col">project</th>
              <th scope="col">for</th>
              <th scope="col" className={table.wide}>
                URL
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.project}/${row.name}`}>
                <td>{row.name}</td>
                <td className={table.faint}>{row.project}</td>
                <td className={table.faint}>{row.kind}</td>
                <td className={table.wide} title={row.url}>
                  <code>{row.url}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length > 0 && mayList.data === false && <p className={table.faint}>Only those that you may see; there may be others.</p>}
    </Section>
  );
}
