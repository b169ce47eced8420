// Services by stages, a table for each project: a stage belongs to one project, so one table of all would be mostly empty.
import type { Cell, WhatIsWhere } from "../shared/api/types.ts";
import { coloursOf } from "../shared/look/colours.ts";
import { partsOf } from "../shared/look/version.ts";

export interface Table {
  project: string;
  stages: string[];
  /** By stage, also of those that the filter left out: a colour does not change while one types. */
  colours: ReadonlyMap<string, number>;
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
        const text = [
          service,
          project,
          ...[...cells].map((cell) => `${cell.stage} ${cell.version} ${cell.state} ${about(cell, service)} ${gitHas(cell, service)}`),
        ]
          .join(" ")
          .toLowerCase();
        return words.every((word) => text.includes(word));
      };
      const found = [...table.rows].filter(([service, cells]) => matches(service, cells.values()));
      const stages = [...table.stages].filter((stage) => found.some(([, cells]) => cells.has(stage)));
      const colours = coloursOf([...table.stages]);
      return {
        project,
        stages,
        colours,
        rows: found.map(([service, cells]) => ({ service, cells: stages.map((stage) => cells.get(stage)) })),
      };
    })
    .filter((table) => table.rows.length > 0)
    .sort((a, b) => Number(b.project === here) - Number(a.project === here) || a.project.localeCompare(b.project));
}

const IS_ABOUT_NEXT = new Set(["promoting", "waiting", "failed"]);

/** The version of this service in a label; the whole label where it is about others only. */
const ofService = (label: string, service: string): string => partsOf(label).find((part) => part.name === service)?.version ?? label;

/** What the state of a cell is about, where that is not the version which is there; empty where it is. */
export const about = ({ state, next = "" }: Cell, service: string): string =>
  IS_ABOUT_NEXT.has(state.toLowerCase()) ? ofService(next, service) : "";

/** The version of this service that git has instead; empty where that is the same, or none. */
export const gitHas = ({ inGit = "" }: Cell, service: string): string =>
  partsOf(inGit).find((part) => part.name === service || part.name === "")?.version ?? "";

const COLUMNS_MAX = 9;

/** Whether it reads better with the stages one under the other: on a phone, and where they are many. */
export const isTall = ({ stages, rows }: Table, isNarrow: boolean): boolean =>
  stages.length > rows.length && (isNarrow || stages.length > COLUMNS_MAX);
