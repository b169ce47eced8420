// Who is signed in, as the server last said.
import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client.ts";
import type { SignedIn } from "../api/types.ts";

/** The one who is signed in; undefined as long as that is not known. */
export function useSession(): SignedIn | undefined {
  const { data } = useQuery({ queryKey: ["session"], queryFn: api.session });
  return data && data.user !== null ? data : undefined;
}
