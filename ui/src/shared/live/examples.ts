// Boards for tests, and for nothing else.
import type { Board, StageView } from "../api/types.ts";

export const stage = (name: string, index: number, change: Partial<StageView> = {}): StageView => ({
  name,
  index,
  has: "fund-transfer 1.5.0",
  next: "",
  state: "unchecked",
  waitsFor: "",
  cause: "",
  hint: "",
  upstream: [],
  warehouses: ["images"],
  controlFlow: false,
  promotesByItself: false,
  ...change,
});

export const board = (revision: number, stages: StageView[]): Board => ({
  revision,
  project: "bank",
  now: new Date().toISOString(),
  warehouses: [],
  stages,
  freight: [],
  promotions: [],
  answers: [],
  rights: { promote: stages.map((one) => one.name), approve: true, refresh: true, write: true },
});
