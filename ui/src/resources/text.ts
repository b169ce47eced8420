// An object as text and back: what a person edits, where an error stands in it, and how two texts differ.
import { applyPatch, structuredPatch } from "diff";
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, stringify, type Document, type Node } from "yaml";
import type { Cause, KubeObject } from "../shared/api/kubernetes.ts";

/** Something that is wrong, and where: offsets into the text. */
export interface Fault {
  message: string;
  from: number;
  to: number;
  line: number;
}

const KEPT_BY_THE_SERVER = ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"];

/** Who changed it last, as the control plane notes it with each write. */
export const CHANGED_BY = "seaway.dev/changed-by";

type Annotations = Record<string, string>;
const annotationsOf = (object: KubeObject) => (object.metadata["annotations"] ?? {}) as Annotations;

/** Who wrote it last: the actor, else the field manager; empty if neither is told. */
export function changedBy(object: KubeObject): string {
  const actor = annotationsOf(object)[CHANGED_BY];
  if (actor !== undefined) return actor;
  const kept = object.metadata["managedFields"] as { manager?: string; time?: string; subresource?: string }[] | undefined;
  const [last] = [...(kept ?? [])].filter((one) => !one.subresource).sort((a, b) => ((a.time ?? "") < (b.time ?? "") ? 1 : -1));
  return last?.manager ?? "";
}

/** The part that a person writes: no status, and nothing that the server keeps account of. */
export function textOf(object: KubeObject): string {
  const { status: _, ...rest } = object;
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([key]) => !KEPT_BY_THE_SERVER.includes(key)));
  const { [CHANGED_BY]: __, ...annotations } = annotationsOf(object);
  if (Object.keys(annotations).length > 0) metadata["annotations"] = annotations;
  else delete metadata["annotations"];
  return stringify({ ...rest, metadata }, { lineWidth: 0 });
}

export const statusText = (object: KubeObject): string =>
  object.status === undefined ? "" : stringify(object.status, { lineWidth: 0, aliasDuplicateObjects: false });

/** Reads the text; an object that is to be written carries what it was read as, so that nobody else's change is lost. */
export function objectOf(text: string, base: KubeObject): { object: KubeObject } | { faults: Fault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0)
    return {
      faults: document.errors.map((error) => ({
        message: error.message,
        from: error.pos[0],
        to: Math.max(error.pos[1], error.pos[0] + 1),
        line: lines.linePos(error.pos[0]).line,
      })),
    };
  const said: unknown = document.toJS();
  const whole = (message: string): { faults: Fault[] } => ({ faults: [{ message, from: 0, to: firstLine(text), line: 1 }] });
  if (typeof said !== "object" || said === null || Array.isArray(said)) return whole("one object is expected here");
  const object = said as KubeObject;
  if (object.kind !== base.kind || object.apiVersion !== base.apiVersion)
    return whole(`this is the ${base.kind} of ${base.apiVersion}: apiVersion and kind stay as they are`);
  if (object.metadata?.name !== base.metadata.name) return whole(`this is ${base.metadata.name}: its name stays as it is`);
  const { resourceVersion, uid } = base.metadata;
  const actor = annotationsOf(base)[CHANGED_BY];
  const annotations = actor === undefined ? {} : { annotations: { ...annotationsOf(object), [CHANGED_BY]: actor } };
  return { object: { ...object, metadata: { ...object.metadata, ...annotations, resourceVersion, uid } as KubeObject["metadata"] } };
}

const firstLine = (text: string) => (text.includes("\n") ? text.indexOf("\n") : text.length);

/** `spec.steps[0].uses` is four keys; `[0]` is a number, `[a.b]` and quoted words are one key. */
export function keysOf(field: string): (string | number)[] {
  return [...field.matchAll(/\[(\d+)\]|\["?([^\]"]+)"?\]|([^.[\]]+)/g)].map(([, index, quoted, word]) =>
    index === undefined ? (quoted ?? word ?? "") : Number(index),
  );
}

/** Where the server's causes stand: at the field if it is in the text, else at the nearest that encloses it. */
export function faultsOf(text: string, causes: readonly Cause[]): Fault[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  return causes.map(({ field, message }) => {
    const [from, to] = placeOf(document, keysOf(field)) ?? [0, firstLine(text)];
    const words = field === "" || message.includes(field) ? message : `${field}: ${message}`;
    return { message: words, from, to: from + text.slice(from, to).trimEnd().length, line: lines.linePos(from).line };
  });
}

/** The causes that a refusal names, or those that stand in its words alone: `unknown field "spec.x"`. */
export function causesOf(refusal: { message: string; causes: readonly Cause[] }): Cause[] {
  if (refusal.causes.length > 0) return [...refusal.causes];
  return [...refusal.message.matchAll(/(unknown field|duplicate field) "([^"]+)"/g)].map(([, what = "", field = ""]) => ({
    field,
    message: `${what} "${field}"`,
  }));
}

function placeOf(document: Document, keys: readonly (string | number)[]): [number, number] | undefined {
  let node: Node | null = document.contents as Node | null;
  let place: [number, number] | undefined;
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((one) => isPair(one) && isScalar(one.key) && String(one.key.value) === String(key));
      if (!pair) break;
      const range = (pair.key as Node).range;
      if (range) place = [range[0], range[1]];
      node = pair.value as Node | null;
    } else if (isSeq(node) && typeof key === "number") {
      const item = node.items[key] as Node | undefined;
      if (!item) break;
      if (item.range) place = [item.range[0], item.range[1]];
      node = item;
    } else break;
  }
  return place;
}

/** How two texts differ, as hunks that the page's diff draws; empty if they do not. */
export function differenceOf(before: string, after: string): string {
  if (before === after) return "";
  return structuredPatch("", "", before, after, "", "", { context: 3 })
    .hunks.map((hunk) => `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@\n${hunk.lines.join("\n")}`)
    .join("\n");
}

/** My change put on top of theirs; null where both touched the same lines. */
export function rebased(base: string, mine: string, theirs: string): string | null {
  const put = applyPatch(theirs, structuredPatch("", "", base, mine, "", ""));
  return put === false ? null : put;
}
