// Why the provider's sign-in was refused, in words that are the page's own: what stands in a URL is not to be believed.
import { Problem } from "../api/problem.ts";

const WORDS: Record<string, string> = {
  state: "the provider's answer does not belong to a sign-in that was begun in this browser, or it took too long",
  denied: "the provider says that you declined, or that you may not sign in here",
  token: "the provider's answer could not be verified, so it is not trusted",
  expired: "the provider's answer has expired already: the clocks of the two machines differ",
  claim: "the provider's answer holds no name that Seaway could know you by, or an address that is not verified",
  unavailable: "the provider does not answer; try again soon",
  invalid: "it would have led to another site afterwards",
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
