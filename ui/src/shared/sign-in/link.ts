// A one-time link stands in the fragment, which no server sees; it is taken out of the URL before it is used.

/** Takes `#link=…` from the address bar, and from the history. */
export function takeLink(location: Location, history: History): string | null {
  const link = new URLSearchParams(location.hash.replace(/^#/, "")).get("link");
  if (link === null) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return link;
}
