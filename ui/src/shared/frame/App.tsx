// Who is it? A one-time link is used first, then the session asked for; without one there is only the way to sign in.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { RouterProvider } from "@tanstack/react-router";
import { router } from "../../routes.tsx";
import { api } from "../api/client.ts";
import { Button } from "../look/Button.tsx";
import { ProblemNote } from "../look/ProblemNote.tsx";
import { takeFragment, type Came } from "../sign-in/link.ts";
import { refusedSignIn } from "../sign-in/refused.ts";
import { SignIn } from "../sign-in/SignIn.tsx";
import css from "./App.module.css";

let linkLeft: string | null | undefined;

export function App({ came }: { came: Came }) {
  if (linkLeft === undefined) linkLeft = came.link;
  const queries = useQueryClient();
  const [refused, setRefused] = useState<unknown>(came.refused && refusedSignIn(came.refused));
  // A link that is not good leaves who is signed in as they were, and they are told.
  const [badLink, setBadLink] = useState<unknown>(null);
  // What was read as somebody else is not shown to the one who comes.
  const forgetOthers = () => queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
  const session = useQuery({
    queryKey: ["session"],
    retry: false,
    refetchOnWindowFocus: true,
    queryFn: async () => {
      const once = linkLeft;
      linkLeft = null;
      if (!once) return api.session();
      const was = await api.signInByLink(once).then(forgetOthers, (problem: unknown) => problem);
      setRefused(was ?? null);
      const now = await api.session();
      setBadLink(now.user === null ? null : (was ?? null));
      return now;
    },
  });
  const wasIn = useRef(false);
  // A link that is pasted into a tab of this page loads nothing: only the fragment changes.
  useEffect(() => {
    const look = () => {
      const { link, refused } = takeFragment(window.location, window.history);
      if (link === null && refused === null) return;
      wasIn.current = false;
      setRefused(refused && refusedSignIn(refused));
      if (link === null) return;
      linkLeft = link;
      void queries.resetQueries({ queryKey: ["session"] });
    };
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, [queries]);
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
  return (
    <>
      {badLink !== null && (
        <div className={css.link}>
          <ProblemNote error={badLink} />
          <p>You are still signed in as {session.data.name || session.data.user}.</p>
          <Button onClick={() => setBadLink(null)}>Dismiss</Button>
        </div>
      )}
      <RouterProvider router={router} key={session.data.user} />
    </>
  );
}
