// The credentials that projects have: names, kinds and URLs. Their values never come to the page.
import { useQuery } from "@tanstack/react-query";
import { api } from "../shared/api/client.ts";
import { Empty } from "../shared/look/Empty.tsx";
import { Quiet } from "../shared/look/Quiet.tsx";
import { Section } from "../shared/look/Section.tsx";
import table from "../shared/look/Table.module.css";

export function Credentials() {
  const credentials = useQuery({ queryKey: ["credentials"], queryFn: api.credentials });
  const rows = credentials.data?.items ?? [];
  return (
    <Section title="Credentials">
      {credentials.isError && <Quiet error={credentials.error} />}
      {credentials.isSuccess && rows.length === 0 && (
        <Empty
          what="No credentials: every registry and repository is read as anybody."
          command="seaway apply -f credentials.yaml"
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
    </Section>
  );
}
