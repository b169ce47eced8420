// API tokens of the one who looks: what each may do and until when; make one, revoke one.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../shared/api/client.ts";
import type { Scope } from "../shared/api/types.ts";
import { Action } from "../shared/look/Action.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { DeedsHead } from "../shared/look/DeedsHead.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { Quiet } from "../shared/look/Quiet.tsx";
import { Actions, Section } from "../shared/look/Section.tsx";
import table from "../shared/look/Table.module.css";
import { NewTokenDialog } from "./NewTokenDialog.tsx";
import { scopeInWords } from "./scope.ts";

export function Tokens() {
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: api.tokens });
  const [makes, setMakes] = useState(false);
  const rows = tokens.data?.items ?? [];
  return (
    <Section title="Your API tokens">
      {tokens.isError && <Quiet error={tokens.error} />}
      {tokens.isSuccess && rows.length === 0 && (
        <Empty what="You have no token. A script or a pipeline signs in with one; it may do what you may, or less." />
      )}
      {rows.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th scope="col">name</th>
              <th scope="col">may do</th>
              <th scope="col" className={table.spare}>
                last used
              </th>
              <th scope="col">ends</th>
              <DeedsHead />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td>{row.name}</td>
                <td className={`${table.wide} ${table.faint}`} title={words(row.scope)}>
                  {words(row.scope)}
                </td>
                <td className={`${table.faint} ${table.spare}`}>{row.usedAt ? <Ago at={row.usedAt} suffix="ago" /> : "never"}</td>
                <td className={table.faint}>{row.expiresAt ? <Ago at={row.expiresAt} /> : "never"}</td>
                <td>
                  <Action
                    look="quiet"
                    label="Revoke"
                    name={`revoke ${row.name}`}
                    sure="Whoever uses it is refused at once."
                    act={() => api.revokeToken(row.id).then(() => tokens.refetch())}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {tokens.isSuccess && (
        <Actions>
          <Button onClick={() => setMakes(true)}>Make a token…</Button>
        </Actions>
      )}
      {makes && <NewTokenDialog onMade={() => void tokens.refetch()} onClose={() => setMakes(false)} />}
    </Section>
  );
}

const words = (scope: Scope | null | undefined) => scopeInWords(scope ?? { projects: [], verbs: [] });
