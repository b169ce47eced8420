// Who is signed in, how, and until when; the way out, and another password.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../shared/api/client.ts";
import { useSession } from "../shared/sign-in/session.ts";
import { Action } from "../shared/look/Action.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { Actions, Row, Rows, Section } from "../shared/look/Section.tsx";
import { PasswordDialog } from "./PasswordDialog.tsx";
import { localName, wayInWords } from "./user.ts";

export function ThisSession() {
  const queries = useQueryClient();
  const session = useSession();
  const [changes, setChanges] = useState(false);
  if (!session) return null;
  const local = localName(session.user);
  return (
    <Section title="This session">
      <Rows>
        <Row name="user">
          {session.name || session.user}
          {session.name !== "" && session.name !== session.user && <code> {session.user}</code>}
        </Row>
        <Row name="signed in by">{wayInWords(session.via)}</Row>
        <Row name="ends">{session.expiresAt === null ? "never" : <Ago at={session.expiresAt} />}</Row>
      </Rows>
      <Actions>
        <Action label="Sign out" act={() => api.signOut().then(() => queries.resetQueries({ queryKey: ["session"] }))} />
        {local !== null && <Button onClick={() => setChanges(true)}>New password…</Button>}
      </Actions>
      {changes && local !== null && <PasswordDialog user={local} isOwn onClose={() => setChanges(false)} />}
    </Section>
  );
}
