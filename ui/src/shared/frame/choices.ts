// What the palette offers: stages, freight by version, promotions that could be planned, and places to go.
import type { Found } from "../api/types.ts";
import type { Openable, Page } from "./open.ts";
import type { LiveBoard } from "../live/board.ts";

export interface Choice {
  id: string;
  verb: string;
  text: string;
  detail: string;
  keys?: string;
  what: What;
}
export type What =
  | { kind: "open"; object: "stage" | "freight" | "warehouse"; name: string }
  | { kind: "plan"; stage: string; freight: string }
  | { kind: "find"; project: string; object: Openable | "project"; name: string }
  | { kind: "go"; page: Page }
  | { kind: "do"; verb: "help" | "theme" | "times" | "sign-out" };

/** Narrowed to one stage's or one freight's plans, where that was asked. */
export interface Narrow {
  stage?: string;
  freight?: string;
}

export function choicesOf(board: LiveBoard, narrow: Narrow): Choice[] {
  const stages = board.list("stages");
  const freight = board.list("freight");
  const plans = freight
    .filter((one) => (narrow.freight ?? one.name) === one.name)
    .flatMap((one) =>
      one.mayGoTo.flatMap((name): Choice[] => {
        const stage = board.get("stages", name);
        if (!stage?.mayPromote || stage.controlFlow || stage.hasFreight === one.name || (narrow.stage ?? name) !== name) return [];
        return [
          {
            id: `plan ${name} ${one.name}`,
            verb: "plan",
            text: `${name} ← ${one.label}`,
            detail: one.alias,
            what: { kind: "plan", stage: name, freight: one.name },
          },
        ];
      }),
    );
  if (narrow.stage !== undefined || narrow.freight !== undefined) return plans;
  return [
    ...stages.map((one): Choice => ({
      id: `stage ${one.name}`,
      verb: "stage",
      text: one.name,
      detail: `${one.has} ${one.state}`,
      what: { kind: "open", object: "stage", name: one.name },
    })),
    ...plans,
    ...freight.map((one): Choice => ({
      id: `freight ${one.name}`,
      verb: "freight",
      text: one.label,
      detail: `${one.alias} ${one.name.slice(0, 8)}`,
      what: { kind: "open", object: "freight", name: one.name },
    })),
    ...board.list("warehouses").map((one): Choice => ({
      id: `warehouse ${one.name}`,
      verb: "warehouse",
      text: one.name,
      detail: one.state,
      what: { kind: "open", object: "warehouse", name: one.name },
    })),
    { id: "go p", verb: "go to", text: "pipeline", detail: "", keys: "g p", what: { kind: "go", page: "pipeline" } },
    { id: "go w", verb: "go to", text: "what is where", detail: "", keys: "g w", what: { kind: "go", page: "what is where" } },
    { id: "go a", verb: "go to", text: "activity", detail: "", keys: "g a", what: { kind: "go", page: "activity" } },
    { id: "go r", verb: "go to", text: "resources", detail: "YAML", keys: "g r", what: { kind: "go", page: "resources" } },
    { id: "go s", verb: "go to", text: "settings", detail: "", keys: "g s", what: { kind: "go", page: "settings" } },
    { id: "theme", verb: "switch", text: "theme", detail: "light or dark", what: { kind: "do", verb: "theme" } },
    { id: "times", verb: "switch", text: "times", detail: "relative or absolute", keys: "t", what: { kind: "do", verb: "times" } },
    { id: "help", verb: "show", text: "keys", detail: "", keys: "?", what: { kind: "do", verb: "help" } },
    { id: "sign out", verb: "sign out", text: "", detail: "", what: { kind: "do", verb: "sign-out" } },
  ];
}

const FINDABLE = ["project", "stage", "freight", "warehouse", "promotion"] as const;

/** What the server found and the board does not offer already: promotions, other projects, and what the board has left out. */
export function foundElsewhere(found: readonly Found[], choices: readonly Choice[], project: string): Choice[] {
  const known = new Set(choices.map((one) => one.id));
  return found.flatMap((one): Choice[] => {
    const object = FINDABLE.find((kind) => kind === one.kind);
    if (!object || (one.project === project && known.has(`${one.kind} ${one.name}`))) return [];
    return [
      {
        id: `found ${one.project} ${one.kind} ${one.name}`,
        verb: one.kind,
        text: one.label || one.name,
        detail: one.project === project ? one.detail : `${one.detail} in ${one.project}`.trim(),
        what: { kind: "find", project: one.project, object, name: one.name },
      },
    ];
  });
}

const SHOWN_MAX = 40;

/** The choices in which every word of the question occurs; those that begin with it come first. */
export function matching(choices: readonly Choice[], question: string): Choice[] {
  const words = question.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (one: Choice) => `${one.verb} ${one.text} ${one.detail}`.toLowerCase();
  const first = words[0];
  return choices
    .filter((one) => words.every((word) => text(one).includes(word)))
    .sort((a, b) => (first === undefined ? 0 : Number(!begins(a, first)) - Number(!begins(b, first))))
    .slice(0, SHOWN_MAX);
}

const begins = (one: Choice, word: string) =>
  one.text
    .toLowerCase()
    .split(/[\s←]+/)
    .some((part) => part.startsWith(word));
