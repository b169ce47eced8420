// A new password for a user; all sessions and tokens of theirs end with it.
import { useQueryClient } from "@tanstack/react-query";
import { api } from "../shared/api/client.ts";
import { Field, FormDialog } from "../shared/look/Form.tsx";

export function PasswordDialog({ user, isOwn = false, onClose }: { user: string; isOwn?: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  return (
    <FormDialog
      title={`New password for ${user}`}
      verb="Set the password"
      act={(given) => api.setPassword(user, String(given.get("password")), isOwn ? String(given.get("old")) : undefined)}
      onDone={() => {
        onClose();
        void queries.invalidateQueries();
      }}
      onClose={onClose}
    >
      <input type="text" name="username" autoComplete="username" value={user} readOnly hidden />
      {isOwn && (
        <Field name="Present password">
          <input name="old" type="password" autoComplete="current-password" required autoFocus />
        </Field>
      )}
      <Field name="New password" hint={`Every session and token of ${user} ends${isOwn ? ", this one too" : ""}.`}>
        <input name="password" type="password" autoComplete="new-password" required autoFocus={!isOwn} />
      </Field>
    </FormDialog>
  );
}
