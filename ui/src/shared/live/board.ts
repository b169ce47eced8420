// The live cache: one project's board, normalised; whoever reads one object is told only when that object changed.
import type { Answer, Board, BoardChange, FreightView, PromotionRow, Rights, StageForYou, StageView, WarehouseView } from "../api/types.ts";
import { coloursOf } from "../look/colours.ts";
import { answerForYou, NO_RIGHTS, stageForYou } from "./rights.ts";

export interface Kinds {
  stages: StageForYou;
  freight: FreightView;
  warehouses: WarehouseView;
  promotions: PromotionRow;
}
export type Kind = keyof Kinds;
const KINDS: Kind[] = ["stages", "freight", "warehouses", "promotions"];

/** What a reader listens to: one object (`stages/qa`), the names of a kind (`stages`), the answers, the rights, or the connection. */
export type Topic = Kind | `${Kind}/${string}` | "answers" | "rights" | "connection";

export type Connection = { state: "connecting" } | { state: "live" } | { state: "lost"; since: number; why: string } | { state: "ended" };

/** What changed while the connection was lost. */
export interface Missed {
  from: number;
  until: number;
  stages: string[];
  freight: string[];
}

const same = (a: unknown, b: unknown) => a === b || JSON.stringify(a) === JSON.stringify(b);

/** `7` and `"3f:7"` are both revision 7. */
export function revisionNumber(revision: number | string): number {
  return typeof revision === "number" ? revision : Number(revision.split(":").pop());
}

export class LiveBoard {
  readonly project: string;
  revision = -1;
  loaded = false;
  answers: readonly Answer[] = [];
  rights: Rights = NO_RIGHTS;
  connection: Connection = { state: "connecting" };
  missed: Missed | null = null;
  /** Server's clock minus ours, in milliseconds. */
  skew = 0;

  #objects: { [K in Kind]: Map<string, Kinds[K]> } = {
    stages: new Map(),
    freight: new Map(),
    warehouses: new Map(),
    promotions: new Map(),
  };
  #lists: { [K in Kind]: readonly Kinds[K][] } = { stages: [], freight: [], warehouses: [], promotions: [] };
  /** Stages and answers as the server says them, to be read again when a right comes or goes. */
  #said = { stages: new Map<string, StageView>(), answers: new Map<string, Answer>() };
  #colours = new Map<string, number>();
  #listeners = new Map<Topic, Set<() => void>>();

  constructor(project: string) {
    this.project = project;
  }

  get<K extends Kind>(kind: K, name: string): Kinds[K] | undefined {
    return this.#objects[kind].get(name);
  }

  /** All of a kind, in the board's order; the same array until one of them changes. */
  list<K extends Kind>(kind: K): readonly Kinds[K][] {
    return this.#lists[kind] as readonly Kinds[K][];
  }

  subscribe(topic: Topic, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(topic);
    };
  }

  /** Takes a whole board; what is equal to what was known keeps its identity and wakes nobody. */
  replace(board: Board) {
    const touched = new Set<Topic>();
    if (!same(this.rights, board.rights)) {
      this.rights = board.rights;
      touched.add("rights");
    }
    const goneStages = this.#goneFrom("stages", board.stages);
    this.#put("stages", this.#hear(board.stages, goneStages), goneStages, touched);
    for (const kind of ["freight", "warehouses", "promotions"] as const)
      this.#put(kind, board[kind], this.#goneFrom(kind, board[kind]), touched);
    this.#said.answers = new Map(board.answers.map((answer) => [keyOf(answer), answer]));
    this.#answer(touched);
    this.revision = revisionNumber(board.revision);
    const server = Date.parse(board.now);
    if (!Number.isNaN(server)) this.skew = server - Date.now();
    if (!this.loaded) for (const kind of KINDS) touched.add(kind);
    this.loaded = true;
    this.#wake(touched);
  }

  /** Takes what changed; a change that is older than the board is ignored, one of the same revision says the rest of it. */
  apply(change: BoardChange) {
    const revision = revisionNumber(change.revision);
    if (revision < this.revision) return;
    const touched = new Set<Topic>();
    this.#put("stages", this.#hear(change.stages ?? [], change.gone?.stages ?? []), change.gone?.stages ?? [], touched);
    for (const kind of ["freight", "warehouses", "promotions"] as const)
      this.#put(kind, change[kind] ?? [], change.gone?.[kind] ?? [], touched);
    for (const answer of change.answers ?? []) this.#said.answers.set(keyOf(answer), answer);
    for (const key of change.gone?.answers ?? []) this.#said.answers.delete(key);
    if (change.answers || change.gone?.answers) this.#answer(touched);
    this.revision = revision;
    this.#wake(touched);
  }

  /** Takes what the one who looks may do now; stages and answers are read again in its light. */
  allow(rights: Rights) {
    if (same(this.rights, rights)) return;
    this.rights = rights;
    const touched = new Set<Topic>(["rights"]);
    this.#put(
      "stages",
      [...this.#said.stages.values()].map((stage) => this.#read(stage)),
      [],
      touched,
    );
    this.#answer(touched);
    this.#wake(touched);
  }

  connect(connection: Connection) {
    this.connection = connection;
    this.#wake(new Set<Topic>(["connection"]));
  }

  /** Says what differs from what was shown when the connection was lost, until it is read. */
  say(missed: Missed | null) {
    this.missed = missed;
    this.#wake(new Set<Topic>(["connection"]));
  }

  /** Keeps what the server says of stages, and reads it for the one who looks. */
  #hear(stages: readonly StageView[], gone: readonly string[]): StageForYou[] {
    const known = this.#said.stages;
    const isOtherPipeline = gone.length > 0 || stages.some((stage) => known.get(stage.name)?.index !== stage.index);
    for (const name of gone) known.delete(name);
    for (const stage of stages) known.set(stage.name, stage);
    if (!isOtherPipeline) return stages.map((stage) => this.#read(stage));
    // One that comes or goes may change the colours of others.
    const all = [...known.values()];
    this.#colours = coloursOf([...all].sort(byPlace).map((stage) => stage.name));
    return all.map((stage) => this.#read(stage));
  }

  #read(stage: StageView): StageForYou {
    return stageForYou(stage, this.rights, this.#colours.get(stage.name) ?? 0);
  }

  #goneFrom(kind: Kind, some: readonly { name: string }[]): string[] {
    const named = new Set(some.map((one) => one.name));
    return [...this.#objects[kind].keys()].filter((name) => !named.has(name));
  }

  #put<K extends Kind>(kind: K, some: readonly Kinds[K][], gone: readonly string[], touched: Set<Topic>) {
    const objects = this.#objects[kind] as Map<string, Kinds[K]>;
    let changed = false;
    for (const one of some) {
      if (same(objects.get(one.name), one)) continue;
      objects.set(one.name, one);
      touched.add(`${kind}/${one.name}`);
      changed = true;
    }
    for (const name of gone) {
      if (!objects.delete(name)) continue;
      touched.add(`${kind}/${name}`);
      changed = true;
    }
    if (!changed) return;
    touched.add(kind);
    (this.#lists[kind] as readonly Kinds[K][]) = [...objects.values()].sort(ORDER[kind] as (a: Kinds[K], b: Kinds[K]) => number);
  }

  #answer(touched: Set<Topic>) {
    const place = (answer: Answer) => (answer.kind === "Stage" ? (this.get("stages", answer.name)?.index ?? 0) : -1);
    const answers = [...this.#said.answers.values()]
      .map((answer) => answerForYou(answer, this.rights))
      .sort((a, b) => place(a) - place(b) || keyOf(a).localeCompare(keyOf(b)));
    if (same(this.answers, answers)) return;
    this.answers = answers;
    touched.add("answers");
  }

  #wake(topics: Set<Topic>) {
    for (const topic of topics) for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener();
  }
}

const keyOf = (answer: Answer) => `${answer.kind}/${answer.name}`;
const newestFirst = (a: string, b: string) => (a < b ? 1 : a > b ? -1 : 0);

/** Creation is told by the second; the name `stage.ULID.freight` orders what came within one. */
const madeAt = (name: string) => name.split(".").at(-2) ?? name;

const byPlace = (a: StageView, b: StageView) => a.index - b.index || a.name.localeCompare(b.name);

const ORDER: { [K in Kind]: (a: Kinds[K], b: Kinds[K]) => number } = {
  stages: byPlace,
  freight: (a, b) => newestFirst(a.foundAt, b.foundAt) || a.name.localeCompare(b.name),
  warehouses: (a, b) => a.name.localeCompare(b.name),
  promotions: (a, b) => newestFirst(a.createdAt, b.createdAt) || newestFirst(madeAt(a.name), madeAt(b.name)),
};
