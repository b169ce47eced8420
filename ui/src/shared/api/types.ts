// What `/seaway/v1` speaks, first version: the types of the page's contract. Times are RFC 3339 strings.

export interface Session {
  user: string;
  name: string;
  via: string;
  expiresAt: string;
}
export interface About {
  version: string;
  engine: string;
  engineNote: string;
}

export interface Answer {
  kind: string;
  name: string;
  state: string;
  reason: string;
  cause: string;
  waitsFor: string;
  since?: string;
  releases: string;
  hint: string;
  until?: string;
}

export interface Source {
  kind: "image" | "git" | "chart";
  url: string;
  constraint?: string;
}

export interface WarehouseView {
  name: string;
  state: string;
  answer?: Answer | null;
  sources: Source[];
  lookedAt?: string;
  nextLookAt?: string;
  freightCreation: string;
}

export interface StageView {
  name: string;
  has: string;
  hasFreight?: string;
  next: string;
  nextFreight?: string;
  state: string;
  waitsFor: string;
  cause: string;
  since?: string;
  hint: string;
  upstream: string[];
  warehouses: string[];
  controlFlow: boolean;
  inGit?: string;
  mayPromote: boolean;
  promotion?: string;
  index: number;
}

export interface Artifact {
  kind: string;
  url: string;
  tag?: string;
  digest?: string;
  commit?: string;
}

export interface FreightView {
  name: string;
  alias: string;
  label: string;
  version: string;
  warehouse: string;
  foundAt: string;
  artifacts: Artifact[];
  in: string[];
  verifiedIn: string[];
  approvedFor: string[];
  mayGoTo: string[];
}

export interface PromotionRow {
  name: string;
  stage: string;
  freight: string;
  label: string;
  phase: string;
  message: string;
  actor: string;
  createdAt: string;
  startedAt?: string;
  finishedAt?: string;
}

export interface StepView {
  alias: string;
  uses: string;
  status: string;
  message: string;
  startedAt?: string;
  finishedAt?: string;
  output?: unknown;
}

export interface JournalEvent {
  at: string;
  name: string;
  step: string;
  message: string;
}

export interface PromotionView extends PromotionRow {
  steps: StepView[];
  answer?: Answer | null;
  events: JournalEvent[];
  planDigest?: string;
  uncertainStep?: string;
}

export interface PlannedFile {
  repository: string;
  branch: string;
  path: string;
  mode: string;
  diff: string;
  added: number;
  removed: number;
  binary: boolean;
}

export interface PlanView {
  sentence: string;
  stage: string;
  freight: string;
  label: string;
  digest: string;
  changed: boolean;
  truncated: boolean;
  files: PlannedFile[];
  effects: { alias: string; kind: string; description: string }[];
  waits: { alias: string; for: string; releasedBy: string }[];
  canStart: { now: boolean; reason?: string };
  failure?: { reason: string; message: string } | null;
}

export interface Board {
  revision: number | string;
  project: string;
  now: string;
  warehouses: WarehouseView[];
  stages: StageView[];
  freight: FreightView[];
  promotions: PromotionRow[];
  answers: Answer[];
}

export interface BoardChange {
  revision: number | string;
  stages?: StageView[];
  freight?: FreightView[];
  warehouses?: WarehouseView[];
  promotions?: PromotionRow[];
  answers?: Answer[];
  gone?: { stages?: string[]; freight?: string[]; warehouses?: string[]; promotions?: string[] };
}

export interface Cell {
  project: string;
  stage: string;
  version: string;
  state: string;
  since?: string;
  freight?: string;
}
export interface WhatIsWhere {
  services: string[];
  rows: { service: string; cells: Cell[] }[];
}

export interface ActivityItem {
  at: string;
  actor: string;
  reason: string;
  object: { kind: string; name: string };
  message: string;
}
export interface Activity {
  items: ActivityItem[];
  next?: string;
}
export interface ActivityFilter {
  actor?: string;
  stage?: string;
  kind?: string;
}
