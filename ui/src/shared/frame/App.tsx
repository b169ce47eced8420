// Who is it? A one-time link is used first, then the session asked for; without one there is only the way to sign in.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { RouterProvider } from "@tanstack/react-router";
import { router } from "../../routes.tsx";
import { api } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { ProblemNote } from "../look/ProblemNote.tsx";
import { SignIn } from "../sign-in/SignIn.tsx";

let linkLeft: string | null | undefined;

export function App({ link }: { link: string | null }) {
  if (linkLeft === undefined) linkLeft = link;
  const queries = useQueryClient();
  const session = useQuery({
    queryKey: ["session"],
    retry: false,
    refetchOnWindowFocus: true,
    queryFn: async () => {
      const once = linkLeft;
      linkLeft = null;
      const refused = once
        ? await api.signInByLink(once).then(
            () => null,
            (problem: unknown) => problem,
          )
        : null;
      // A link that was used before is no news to those who are signed in already.
      return api.session().catch((problem: unknown) => {
        throw refused ?? problem;
      });
    },
  });
  const wasIn = useRef(false);
  if (session.isPending) return null;
  if (session.isSuccess) wasIn.current = true;
  const problem = session.error;
  if (problem instanceof Problem && problem.status === 401) {
    // "Not signed in" is no news; a link that does not work any more is.
    return (
      <SignIn
        hasEnded={wasIn.current}
        problem={link === null || wasIn.current ? null : problem}
        onSignedIn={() => void queries.resetQueries({ queryKey: ["session"] })}
      />
    );
  }
  if (!session.data)
    return (
      <main style={{ padding: 32, maxWidth: 720 }}>
        <ProblemNote error={problem} />
        <button type="button" onClick={() => void session.refetch()}>
          Ask again
        </button>
      </main>
    );
  return <RouterProvider router={router} key={session.data.user} />;
}
