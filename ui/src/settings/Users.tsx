// The users of this control plane: who there is, in which groups; add, new password, remove.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../shared/api/client.ts";
import { kube } from "../shared/api/kubernetes.ts";
import { Action } from "../shared/look/Action.tsx";
import { Button } from "../shared/look/Button.tsx";
import { DeedsHead } from "../shared/look/DeedsHead.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { Field, FormDialog } from "../shared/look/Form.tsx";
import { Quiet } from "../shared/look/Quiet.tsx";
import { Actions, Section } from "../shared/look/Section.tsx";
import table from "../shared/look/Table.module.css";
import { PasswordDialog } from "./PasswordDialog.tsx";
import { listOf } from "./user.ts";

export function Users() {
  const users = useQuery({
    queryKey: ["users"],
    queryFn: async () => {
      await kube.require("list", "seaway.dev", "users");
      return api.users();
    },
  });
  const [adds, setAdds] = useState(false);
  const [changed, change] = useState<string | null>(null);
  const rows = users.data?.items ?? [];
  return (
    <Section title="Users">
      {users.isError && <Quiet error={users.error} />}
      {users.isSuccess && rows.length === 0 && <Empty what="There is no local user yet." command="seaway user add NAME" />}
      {rows.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th scope="col">name</th>
              <th scope="col">groups</th>
              <DeedsHead />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name}>
                <td>{row.name}</td>
                <td className={`${table.wide} ${table.faint}`}>{row.groups.join(", ")}</td>
                <td>
                  <Button look="quiet" aria-label={`new password for ${row.name}`} onClick={() => change(row.name)}>
                    New password…
                  </Button>{" "}
                  <Action
                    look="quiet"
                    label="Remove"
                    name={`remove ${row.name}`}
                    sure={`${row.name} is signed out everywhere.`}
                    act={() => api.removeUser(row.name).then(() => users.refetch())}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {users.isSuccess && (
        <Actions>
          <Button onClick={() => setAdds(true)}>Add a user…</Button>
        </Actions>
      )}
      {changed !== null && <PasswordDialog user={changed} onClose={() => change(null)} />}
      {adds && (
        <FormDialog
          title="Add a user"
          verb="Add the user"
          act={(given) =>
            api.addUser({
              name: String(given.get("name")),
              password: String(given.get("password")),
              groups: listOf(String(given.get("groups"))),
            })
          }
          onDone={() => {
            setAdds(false);
            void users.refetch();
          }}
          onClose={() => setAdds(false)}
        >
          <Field name="Name">
            <input name="name" autoComplete="off" autoCapitalize="none" spellCheck={false} required autoFocus />
          </Field>
          <Field name="Password">
            <input name="password" type="password" autoComplete="new-password" required />
          </Field>
          <Field
            name="Groups"
            hint="Names, parted by commas. What a group may do is said by RoleBindings; a user in none may only sign in."
          >
            <input name="groups" autoComplete="off" autoCapitalize="none" spellCheck={false} />
          </Field>
        </FormDialog>
      )}
    </Section>
  );
}
