// Where the one who looks is signed in; each can be ended.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../shared/api/client.ts";
import { Action } from "../shared/look/Action.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { DeedsHead } from "../shared/look/DeedsHead.tsx";
import { Quiet } from "../shared/look/Quiet.tsx";
import { Actions, Section } from "../shared/look/Section.tsx";
import table from "../shared/look/Table.module.css";
import { wayInWords } from "./user.ts";

const AT_ONCE = 5;

export function Sessions() {
  const [showsAll, showAll] = useState(false);
  const sessions = useQuery({ queryKey: ["sessions"], queryFn: api.sessions });
  const items = sessions.data?.items ?? [];
  const all = [...items.filter((one) => one.current), ...items.filter((one) => !one.current)];
  const rows = showsAll ? all : all.slice(0, AT_ONCE);
  return (
    <Section title="Your sessions">
      {sessions.isError && <Quiet error={sessions.error} />}
      {rows.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th scope="col">signed in by</th>
              <th scope="col">from</th>
              <th scope="col" className={table.spare}>
                since
              </th>
              <th scope="col">ends</th>
              <DeedsHead />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td>{wayInWords(row.via)}</td>
                <td className={`${table.wide} ${table.faint}`}>{row.from}</td>
                <td className={`${table.faint} ${table.spare}`}>{row.createdAt && <Ago at={row.createdAt} suffix="ago" />}</td>
                <td className={table.faint}>
                  <Ago at={row.expiresAt} />
                </td>
                <td>
                  {row.current ? (
                    <span className={table.faint}>this one</span>
                  ) : (
                    <Action
                      look="quiet"
                      label="End"
                      name={`end the session begun by ${wayInWords(row.via)}`}
                      act={() => api.endSession(row.id).then(() => sessions.refetch())}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {all.length > rows.length && (
        <Actions>
          <Button look="quiet" onClick={() => showAll(true)}>
            and {all.length - rows.length} more
          </Button>
        </Actions>
      )}
    </Section>
  );
}
