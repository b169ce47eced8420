// Activity as a file for a spreadsheet.
import type { ActivityItem } from "../shared/api/types.ts";

const HEAD = ["at", "actor", "reason", "kind", "name", "stage", "freight", "version", "message"];

/** RFC 4180; what a spreadsheet would take for a formula is made text. */
export function csvOf(items: readonly ActivityItem[]): string {
  const rows = items.map(({ at, actor, reason, object, stage = "", freight = "", version = "", message }) => {
    return [at, actor, reason, object.kind, object.name, stage, freight, version, message];
  });
  return [HEAD, ...rows].map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
}

function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
