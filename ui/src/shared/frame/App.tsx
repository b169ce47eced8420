// Who is it? A one-time link is used first, then the session asked for; without one there is only the way to sign in.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { RouterProvider } from "@tanstack/react-router";
import { router } from "../../routes.tsx";
import { api } from "../api/client.ts";
import { Button } from "../look/Button.tsx";
import { ProblemNote } from "../look/ProblemNote.tsx";
import type { Came } from "../sign-in/link.ts";
import { refusedSignIn } from "../sign-in/refused.ts";
import { SignIn } from "../sign-in/SignIn.tsx";
import css from "./App.module.css";

let linkLeft: string | null | undefined;

export function App({ came }: { came: Came }) {
  if (linkLeft === undefined) linkLeft = came.link;
  const queries = useQueryClient();
  const [refused, setRefused] = useState<unknown>(came.refused && refusedSignIn(came.refused));
  const session = useQuery({
    queryKey: ["session"],
    retry: false,
    refetchOnWindowFocus: true,
    queryFn: async () => {
      const once = linkLeft;
      linkLeft = null;
      // A link that was used before is no news to those who are signed in already.
      if (once) await api.signInByLink(once).catch(setRefused);
      return api.session();
    },
  });
  const wasIn = useRef(false);
  if (session.isPending) return null;
  if (!session.data)
    return (
      <main className={css.away}>
        <ProblemNote error={session.error} />
        <Button onClick={() => void session.refetch()}>Ask again</Button>
      </main>
    );
  if (session.data.user === null)
    return (
      <SignIn
        offered={session.data}
        hasEnded={wasIn.current}
        problem={wasIn.current ? null : refused}
        onSignedIn={() => void queries.resetQueries({ queryKey: ["session"] })}
      />
    );
  wasIn.current = true;
  return <RouterProvider router={router} key={session.data.user} />;
}
