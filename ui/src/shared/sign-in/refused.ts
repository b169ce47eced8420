// Why the provider's sign-in was refused, in words that are the page's own: what stands in a URL is not to be believed.
import { Problem } from "../api/problem.ts";

const WORDS: Record<string, string> = {
  state: "the provider's answer does not belong to a sign-in that was begun in this browser",
  expired: "the sign-in took too long",
  denied: "the provider says that you declined, or that you may not sign in here",
  issuer: "the answer came from another provider than the one this control plane trusts",
  token: "the provider's answer could not be verified",
  groups: "the provider's answer says nothing that Seaway could know you by",
  unavailable: "the provider did not answer",
};

export function refusedSignIn({ code, id }: { code: string; id: string }): Problem {
  return new Problem(
    {
      type: "sign-in-refused",
      detail: `signing in did not work: ${WORDS[code] ?? "the provider's answer was refused"}`,
      hint: "Begin again; if it comes back, whoever runs this control plane finds the reason in its log.",
      id,
    },
    401,
  );
}
