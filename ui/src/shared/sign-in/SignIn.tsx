// Sign-in: by name and password, and what became of a one-time link.
import { useMutation } from "@tanstack/react-query";
import { api } from "../api/client.ts";
import { Button } from "../look/Button.tsx";
import { Copy } from "../look/Copy.tsx";
import { ProblemNote } from "../look/ProblemNote.tsx";
import css from "./SignIn.module.css";

export function SignIn({ problem, hasEnded, onSignedIn }: { problem: unknown; hasEnded: boolean; onSignedIn: () => void }) {
  const asked = useMutation({
    mutationFn: ({ user, password }: { user: string; password: string }) => api.signIn(user, password),
    onSuccess: onSignedIn,
  });
  return (
    <main className={css.page}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          const given = new FormData(event.currentTarget);
          asked.mutate({ user: String(given.get("user")), password: String(given.get("password")) });
        }}
      >
        <h1>Seaway</h1>
        {hasEnded && <p role="status">Your session has ended.</p>}
        {problem !== null && problem !== undefined && !asked.isError && <ProblemNote error={problem} />}
        <label>
          User
          <input name="user" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {asked.isError && <ProblemNote error={asked.error} />}
        <Button type="submit" look="main" disabled={asked.isPending}>
          {asked.isPending ? "asking…" : "Sign in"}
        </Button>
        <p className={css.other}>
          Or, on the machine where Seaway runs, <Copy text="seaway open" label="command" /> makes a link that signs in once.
        </p>
      </form>
    </main>
  );
}
