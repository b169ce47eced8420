// What `/seaway/v1` speaks: the types of the page's contract. Times are RFC 3339 strings.

/** Who asks; nobody, and then how one may sign in. */
export type Session = SignedIn | NotSignedIn;
export interface SignedIn {
  user: string;
  name: string;
  /** `password`, `link`, `oidc`, `token`, `account`, or `folder` for the token of the data folder. */
  via: string;
  /** Null where it does not end. */
  expiresAt: string | null;
}
export interface NotSignedIn {
  user: null;
  methods: string[];
  oidc?: { name: string } | null;
}

export interface UserRow {
  name: string;
  groups: string[];
  createdAt?: string;
}
export interface Scope {
  /** None of them: every project, every verb of its owner's. */
  projects: string[];
  verbs: string[];
}
export interface TokenRow {
  id: string;
  name: string;
  scope?: Scope | null;
  createdAt?: string;
  expiresAt?: string;
  usedAt?: string;
}
export interface NewToken extends TokenRow {
  /** Answered once and never again. */
  token: string;
}
export interface SessionRow {
  id: string;
  user: string;
  via: string;
  createdAt?: string;
  expiresAt: string;
  from?: string;
  /** The session that asks. */
  current: boolean;
}
export interface CredentialRow {
  project: string;
  name: string;
  /** `git`, `image`, `helm` or `generic`. */
  kind: string;
  url: string;
}

export interface About {
  version: string;
  engine: string;
  engineNote: string;
}

/** What the caller may do in this project; apart from the board, which is the same for all. */
export interface Rights {
  /** The stages the caller may promote to, approve freight for, abort and resolve in. */
  promote: string[];
  approve: boolean;
  refresh: boolean;
  write: boolean;
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
  /** What it has to do with; an answer about freight begins with its stage. */
  links?: { kind: string; name: string }[];
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
  /** When time alone may change it. */
  until?: string;
  hint: string;
  upstream: string[];
  warehouses: string[];
  controlFlow: boolean;
  inGit?: string;
  promotesByItself: boolean;
  promotion?: string;
  index: number;
}

/** A stage as the one who looks sees it: their right is known, and *a promoter* is *you* where it is. */
export interface StageForYou extends StageView {
  mayPromote: boolean;
  /** Which of the identity colours it has. */
  colour: number;
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
  /** What its tools printed, secrets masked, the oldest cut. */
  log: string;
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
  /** What its plan said it would write; absent if it was asked without one, or the plan is not kept any more. */
  planned?: Planned | null;
  /** What it wrote, and where; absent as long as nothing was pushed. */
  written?: Written | null;
}

export interface Planned {
  digest: string;
  files: PlannedFile[];
  truncated: boolean;
}
export interface Written {
  /** By the same count as the plan's: equal digests mean equal writing. Empty if the run was bound to no plan. */
  digest: string;
  commits: { repository: string; branch: string; commit: string; link?: string }[];
}

/** What it wrote, as git tells it. */
export interface WrittenFiles {
  files: PlannedFile[];
  /** Files or differences were left out. */
  truncated: boolean;
  /** What is not told, and why: a sentence each. */
  unknown: string[];
}

/** What changes from one freight to another. */
export interface FreightDifference {
  from: string;
  to: string;
  artifacts: ArtifactDifference[];
}
export interface ArtifactDifference {
  kind: string;
  url: string;
  from?: ArtifactAt | null;
  to?: ArtifactAt | null;
  /** Newest first; only where they can be known. */
  commits: { commit: string; subject: string; author: string; at?: string; link?: string }[];
  truncated: boolean;
  /** Where the whole difference can be read. */
  link?: string;
  /** Why its commits are not told. */
  note?: string;
}
export interface ArtifactAt {
  version: string;
  digest?: string;
  commit?: string;
  link?: string;
}

/** What became of a wish to promote into every stage after one. */
export interface Downstream {
  items: { stage: string; name: string }[];
  refused: { stage: string; reason: string }[];
}

export interface Found {
  /** `project`, `stage`, `freight`, `promotion` or `warehouse`. */
  kind: string;
  project: string;
  name: string;
  label: string;
  detail: string;
}

export interface PlannedFile {
  repository: string;
  branch: string;
  path: string;
  mode: string;
  /** The id of its content afterwards; empty if it goes. */
  newBlob: string;
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
  /** Parts that cannot be told beforehand. */
  unknown: string[];
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
  rights: Rights;
}

export interface BoardChange {
  revision: number | string;
  stages?: StageView[];
  freight?: FreightView[];
  warehouses?: WarehouseView[];
  promotions?: PromotionRow[];
  /** Only those that changed; one is known by its kind and name. */
  answers?: Answer[];
  /** Answers are named `Stage/qa`. */
  gone?: { stages?: string[]; freight?: string[]; warehouses?: string[]; promotions?: string[]; answers?: string[] };
}

export interface Cell {
  project: string;
  stage: string;
  version: string;
  state: string;
  since?: string;
  freight?: string;
  /** What comes next, is on its way or has failed. */
  next?: string;
  /** What git has, where that is not what is there. */
  inGit?: string;
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
  /** Empty if it is about none. */
  stage?: string;
  /** The name of the freight it is about, and what tells it from other: `fund-transfer 1.5.1`; empty if it is about none. */
  freight?: string;
  version?: string;
  message: string;
}
export interface Activity {
  items: ActivityItem[];
  next?: string;
}
export interface ActivityFilter {
  /** Who did it, by a part of the name. */
  who?: string;
  stage?: string;
  kind?: string;
  /** Not before, and before: RFC 3339. */
  from?: string;
  until?: string;
}
