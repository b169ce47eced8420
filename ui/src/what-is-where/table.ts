// Services by stages, a table for each project: a stage belongs to one project, so one table of all would be mostly empty.
import type { Cell, WhatIsWhere } from "../shared/api/types.ts";

export interface Table {
  project: string;
  stages: string[];
  rows: { service: string; cells: (Cell | undefined)[] }[];
}

/** Stages in the order in which the server names them; this project first. Rows and stages that match no word of the filter are left out. */
export function tablesOf(answer: WhatIsWhere, here: string, filter = ""): Table[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const tables = new Map<string, { stages: Set<string>; rows: Map<string, Map<string, Cell>> }>();
  for (const { service, cells } of answer.rows)
    for (const cell of cells) {
      const table = tables.get(cell.project) ?? { stages: new Set(), rows: new Map() };
      tables.set(cell.project, table);
      table.stages.add(cell.stage);
      table.rows.set(service, (table.rows.get(service) ?? new Map<string, Cell>()).set(cell.stage, cell));
    }
  return [...tables]
    .map(([project, table]): Table => {
      const matches = (service: string, cells: Iterable<Cell>) => {
        const text = [service, project, ...[...cells].map((cell) => `${cell.stage} ${cell.version} ${cell.state}`)].join(" ").toLowerCase();
        return words.every((word) => text.includes(word));
      };
      const found = [...table.rows].filter(([service, cells]) => matches(service, cells.values()));
      const stages = [...table.stages].filter((stage) => found.some(([, cells]) => cells.has(stage)));
      return { project, stages, rows: found.map(([service, cells]) => ({ service, cells: stages.map((stage) => cells.get(stage)) })) };
    })
    .filter((table) => table.rows.length > 0)
    .sort((a, b) => Number(b.project === here) - Number(a.project === here) || a.project.localeCompare(b.project));
}

const COLUMNS_MAX = 9;

/** Whether it reads better with the stages one under the other: on a phone, and where they are many. */
export const isTall = ({ stages, rows }: Table, isNarrow: boolean): boolean =>
  stages.length > rows.length && (isNarrow || stages.length > COLUMNS_MAX);
