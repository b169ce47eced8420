// The Kubernetes API as the control plane passes it through: objects read, tried and written as the one who looks.
import { Problem, unreachable } from "./problem.ts";

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; resourceVersion?: string; creationTimestamp?: string; [more: string]: unknown };
  status?: unknown;
  [more: string]: unknown;
}

export interface Cause {
  field: string;
  message: string;
}

/** A refusal of the Kubernetes API: its words, and the fields that they are about. */
export class Refusal extends Problem {
  readonly causes: readonly Cause[];
  readonly reason: string;

  constructor(status: number, message: string, reason: string, causes: readonly Cause[]) {
    super({ type: reason || "refused", title: reason, detail: message }, status);
    this.causes = causes;
    this.reason = reason;
  }
}

interface Status {
  message?: string;
  reason?: string;
  details?: { causes?: { field?: string; message?: string }[] };
}

/** What was answered, and what the server warns of. */
export interface Answered<T> {
  object: T;
  warnings: string[];
}

interface Review {
  status: { allowed: boolean; reason?: string };
}

const REVIEWS = "authorization.k8s.io";
const FIELD_MANAGER = "seaway-page";
const ANSWER_WITHIN_MS = 30_000;

async function ask<T>(method: string, url: string, body?: unknown): Promise<Answered<T>> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      credentials: "same-origin",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw unreachable(`${method} ${url}`, cause);
  }
  const text = await response.text();
  if (!response.ok) throw refusalOf(response.status, text);
  return { object: JSON.parse(text) as T, warnings: warningsOf(response.headers.get("warning")) };
}

/** Reads a refusal, be it a `Status`, problem JSON, or something a proxy wrote. */
export function refusalOf(status: number, text: string): Problem {
  let said: Status & { detail?: string; kind?: string };
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    return new Problem({ title: `the server answered ${status}`, detail: text.slice(0, 500) }, status);
  }
  if (said.kind !== "Status") return new Problem(said, status);
  const causes = (said.details?.causes ?? []).map(({ field = "", message = "" }) => ({ field, message }));
  return new Refusal(status, said.message ?? `the server answered ${status}`, said.reason ?? "", causes);
}

/** `299 - "first", 299 - "second"` are two warnings. */
export function warningsOf(header: string | null): string[] {
  return [...(header ?? "").matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, words = ""]) => words.replace(/\\(.)/g, "$1"));
}

async function review(verb: string, group: string, resource: string): Promise<Review["status"]> {
  const asked = { apiVersion: `${REVIEWS}/v1`, kind: "SelfSubjectAccessReview", spec: { resourceAttributes: { verb, group, resource } } };
  const { object } = await ask<Review>("POST", `/apis/${REVIEWS}/v1/selfsubjectaccessreviews`, asked);
  return object.status;
}

export const kube = {
  get: (url: string) => ask<KubeObject>("GET", url),
  list: (url: string, limit: number, after?: string) =>
    ask<{ items: KubeObject[]; metadata?: { continue?: string } }>(
      "GET",
      `${url}?limit=${limit}${after === undefined ? "" : `&continue=${encodeURIComponent(after)}`}`,
    ),
  /** Whether the one who asks may do this everywhere. */
  may: async (verb: string, group: string, resource: string) => (await review(verb, group, resource)).allowed,
  /** Asks whether the one who asks may do this everywhere; what they may not is thrown, in the server's words, before it is tried. */
  require: async (verb: string, group: string, resource: string) => {
    const { allowed, reason = `you may not ${verb} ${resource}` } = await review(verb, group, resource);
    if (!allowed) throw new Problem({ type: "not-authorised", detail: reason }, 403);
  },
  /** Writes it whole; with `isTrial` the server does everything but keep it. */
  put: (url: string, object: KubeObject, isTrial: boolean) =>
    ask<KubeObject>("PUT", `${url}?fieldManager=${FIELD_MANAGER}&fieldValidation=Strict${isTrial ? "&dryRun=All" : ""}`, object),
};
