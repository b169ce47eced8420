// Services by stages, as one table: its columns, and the cell of each.
import type { Cell, WhatIsWhere } from "../shared/api/types.ts";

export interface Column {
  project: string;
  stage: string;
}
export interface Table {
  columns: Column[];
  rows: { service: string; cells: (Cell | undefined)[] }[];
}

/** Columns in the order in which the server names them; rows and columns that match no word of the filter are left out. */
export function tableOf(answer: WhatIsWhere, filter = ""): Table {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const key = (cell: Column) => `${cell.project}/${cell.stage}`;
  const columns = new Map<string, Column>();
  for (const row of answer.rows)
    for (const cell of row.cells) if (!columns.has(key(cell))) columns.set(key(cell), { project: cell.project, stage: cell.stage });
  const listed = [...columns.values()];
  const rows = answer.rows
    .filter((row) =>
      words.every((word) =>
        `${row.service} ${row.cells.map((cell) => `${cell.project} ${cell.version}`).join(" ")}`.toLowerCase().includes(word),
      ),
    )
    .map((row) => ({ service: row.service, cells: listed.map((column) => row.cells.find((cell) => key(cell) === key(column))) }));
  const used = listed.map((_, at) => rows.some((row) => row.cells[at] !== undefined));
  return {
    columns: listed.filter((_, at) => used[at]),
    rows: rows.map((row) => ({ ...row, cells: row.cells.filter((_, at) => used[at]) })),
  };
}
