// A unified diff as lines with their numbers.

export type LineKind = "context" | "added" | "removed" | "gap";
export interface DiffLine {
  kind: LineKind;
  before?: number;
  after?: number;
  text: string;
}

/** Reads a unified diff; what stands before its first hunk is its heading and is left out. */
export function parseDiff(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let before = 0;
  let after = 0;
  let isInside = false;
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/.exec(line);
    if (hunk) {
      isInside = true;
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      lines.push({ kind: "gap", text: (hunk[3] ?? "").trim() });
    } else if (!isInside) {
      // A new file without hunk headings is all additions.
      if (/^\+(?!\+\+ )/.test(line)) lines.push({ kind: "added", after: (after += 1), text: line.slice(1) });
    } else if (line.startsWith("+")) {
      lines.push({ kind: "added", after: after++, text: line.slice(1) });
    } else if (line.startsWith("-")) {
      lines.push({ kind: "removed", before: before++, text: line.slice(1) });
    } else if (line.startsWith("\\")) {
      lines.push({ kind: "gap", text: line.slice(2) });
    } else {
      lines.push({ kind: "context", before: before++, after: after++, text: line.slice(1) });
    }
  }
  return lines;
}
