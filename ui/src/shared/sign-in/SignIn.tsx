// Sign-in: by what the control plane offers (password, a provider), and what became of a one-time link.
import { useMutation } from "@tanstack/react-query";
import { api } from "../api/client.ts";
import type { NotSignedIn } from "../api/types.ts";
import { Button } from "../look/Button.tsx";
import { Copy } from "../look/Copy.tsx";
import { ProblemNote } from "../look/ProblemNote.tsx";
import css from "./SignIn.module.css";

interface Props {
  offered: NotSignedIn;
  problem: unknown;
  hasEnded: boolean;
  onSignedIn: () => void;
}

export function SignIn({ offered, problem, hasEnded, onSignedIn }: Props) {
  const takesPassword = offered.methods.includes("password");
  const { oidc } = offered;
  return (
    <main className={css.page}>
      <div className={css.form}>
        <h1>Seaway</h1>
        {hasEnded && <p role="status">Your session has ended.</p>}
        {problem !== null && problem !== undefined && <ProblemNote error={problem} />}
        {oidc && (
          <a className={css.provider} href={api.oidcStart(window.location.pathname + window.location.search)}>
            Sign in with {oidc.name}
          </a>
        )}
        {oidc && takesPassword && <p className={css.or}>or</p>}
        {takesPassword && <ByPassword onSignedIn={onSignedIn} isMain={!oidc} />}
        <p className={css.other}>
          {oidc || takesPassword ? "Or, on" : "On"} the machine where Seaway runs, <Copy text="seaway open" label="command" /> makes a link
          that signs in once.
        </p>
        {!oidc && !takesPassword && (
          <p className={css.other}>
            There are no users yet: <Copy text="seaway user add NAME" label="command" /> makes one, who can then sign in here by password.
          </p>
        )}
      </div>
    </main>
  );
}

function ByPassword({ onSignedIn, isMain }: { onSignedIn: () => void; isMain: boolean }) {
  const asked = useMutation({
    mutationFn: ({ user, password }: { user: string; password: string }) => api.signIn(user, password),
    onSuccess: onSignedIn,
  });
  return (
    <form
      className={css.password}
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget);
        asked.mutate({ user: String(given.get("user")), password: String(given.get("password")) });
      }}
    >
      <label>
        User
        <input name="user" autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus={isMain} />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      {asked.isError && <ProblemNote error={asked.error} />}
      <Button type="submit" look={isMain ? "main" : "plain"} disabled={asked.isPending}>
        {asked.isPending ? "asking…" : "Sign in"}
      </Button>
    </form>
  );
}
