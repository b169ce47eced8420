// What came with the fragment, which no server sees: a one-time link, or word that the provider's sign-in was refused. It is taken out of the URL before it is used.

export interface Came {
  link: string | null;
  /** A code word and the id in the log; nothing that stands in a URL is shown as a sentence. */
  refused: { code: string; id: string } | null;
}

const NOTHING: Came = { link: null, refused: null };

/** Takes `#link=…` or `#refused=…` from the address bar, and from the history. */
export function takeFragment(location: Location, history: History): Came {
  const words = new URLSearchParams(location.hash.replace(/^#/, ""));
  const [link, code] = [words.get("link"), words.get("refused")];
  if (link === null && code === null) return NOTHING;
  history.replaceState(history.state, "", location.pathname + location.search);
  return { link, refused: code === null ? null : { code, id: (words.get("id") ?? "").replace(/[^\w-]/g, "").slice(0, 64) } };
}
