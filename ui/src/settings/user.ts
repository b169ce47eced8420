// Who people are and how they came in: `user:bob` is a user of this control plane; anything else was vouched for by a provider, or is a service account.

/** The name by which a local user signs in; null for everybody else. */
export const localName = (user: string): string | null => (user.startsWith("user:") ? user.slice("user:".length) : null);

/** `a, b c` is three groups. */
export const listOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

const WAYS: Record<string, string> = {
  password: "password",
  link: "one-time link",
  oidc: "the identity provider",
  token: "API token",
  account: "service account",
  folder: "the data folder's own token",
};
/** How somebody came in, in words. */
export const wayInWords = (via: string): string => WAYS[via] ?? via;
