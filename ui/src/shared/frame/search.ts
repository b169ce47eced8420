// What the URL says about what is open and how the page is filtered.

export interface Search {
  stage?: string;
  freight?: string;
  warehouse?: string;
  promotion?: string;
  /** The stage of an open plan, and the freight it is for. */
  plan?: string;
  with?: string;
  /** The stage after which everything is to be promoted, with the freight above. */
  downstream?: string;
  /** The freight that the open one is compared with. */
  against?: string;
  /** What of the open object is shown large: `written`. */
  shows?: string;
  /** Words that filter what the page lists. */
  filter?: string;
  actor?: string;
  of?: string;
  kind?: string;
  from?: string;
  until?: string;
}

const KEYS = [
  "stage",
  "freight",
  "warehouse",
  "promotion",
  "plan",
  "downstream",
  "with",
  "against",
  "shows",
  "filter",
  "actor",
  "of",
  "kind",
  "from",
  "until",
] as const;

/** Takes from a URL what belongs there, as text; anything else is dropped. */
export function validateSearch(raw: Record<string, unknown>): Search {
  const search: Search = {};
  for (const key of KEYS) {
    const value = raw[key];
    if (typeof value === "string" && value !== "") search[key] = value;
    else if (typeof value === "number") search[key] = String(value);
  }
  return search;
}
