// The one door to `/seaway/v1`: a function for each of its paths.
import { problemOf, unreachable } from "./problem.ts";
import type { About, Activity, ActivityFilter, Answer, Board, PlanView, PromotionView, Session, WhatIsWhere } from "./types.ts";

const ROOT = "/seaway/v1";
const ANSWER_WITHIN_MS = 130_000; // A plan may take the server two minutes.

const of = (project: string) => `/projects/${encodeURIComponent(project)}`;
const part = encodeURIComponent;

async function send<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const json: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  let response: Response;
  try {
    response = await fetch(ROOT + path, {
      method,
      credentials: "same-origin",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: { Accept: "application/json", ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw unreachable(`${method} ${path}`, cause);
  }
  if (!response.ok) throw await problemOf(response);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

const get = <T>(path: string) => send<T>("GET", path);
const post = <T>(path: string, body: unknown = {}, headers?: Record<string, string>) => send<T>("POST", path, body, headers);

export const api = {
  session: () => get<Session>("/session"),
  signInByLink: (link: string) => post<void>("/session", { link }),
  signIn: (user: string, password: string) => post<void>("/session", { user, password }),
  signOut: () => send<void>("DELETE", "/session"),
  about: () => get<About>("/about"),
  projects: () => get<{ items: { name: string }[] }>("/projects"),

  board: (project: string) => get<Board>(`${of(project)}/board`),
  changesUrl: (project: string) => `${ROOT}${of(project)}/changes`,
  why: (project: string) => get<{ items: Answer[] }>(`${of(project)}/why`),

  plan: (project: string, stage: string, freight: string) => post<PlanView>(`${of(project)}/plans`, { stage, freight }),
  promote: (project: string, ask: { stage: string; freight: string; planDigest?: string }, key: string) =>
    post<{ name: string }>(`${of(project)}/promotions`, ask, { "Idempotency-Key": key }),
  promotion: (project: string, name: string) => get<PromotionView>(`${of(project)}/promotions/${part(name)}`),
  abort: (project: string, name: string) => post<void>(`${of(project)}/promotions/${part(name)}/abort`),
  resolve: (project: string, name: string, choice: "repeat" | "skip") =>
    post<void>(`${of(project)}/promotions/${part(name)}/resolve`, { choice }),

  approve: (project: string, freight: string, stage: string, key: string) =>
    post<void>(`${of(project)}/freight/${part(freight)}/approve`, { stage }, { "Idempotency-Key": key }),
  refreshWarehouse: (project: string, name: string) => post<void>(`${of(project)}/warehouses/${part(name)}/refresh`),
  refreshStage: (project: string, name: string) => post<void>(`${of(project)}/stages/${part(name)}/refresh`),
  resumeStage: (project: string, name: string) => post<void>(`${of(project)}/stages/${part(name)}/resume`),

  whatIsWhere: () => get<WhatIsWhere>("/what-is-where"),
  activity: (project: string, filter: ActivityFilter, after?: string) => {
    const asked = Object.entries({ ...filter, after }).filter((pair): pair is [string, string] => Boolean(pair[1]));
    const query = new URLSearchParams(asked).toString();
    return get<Activity>(`${of(project)}/activity${query === "" ? "" : `?${query}`}`);
  },
};
