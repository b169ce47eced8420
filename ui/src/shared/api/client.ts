// The one door to `/seaway/v1`: a function for each of its paths.
import { problemOf, unreachable } from "./problem.ts";
import type {
  About,
  Activity,
  ActivityFilter,
  Answer,
  Board,
  CredentialRow,
  Downstream,
  Found,
  FreightDifference,
  NewToken,
  PlanView,
  PromotionView,
  Scope,
  Session,
  SessionRow,
  TokenRow,
  UserRow,
  WhatIsWhere,
  WrittenFiles,
} from "./types.ts";

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

interface List<T> {
  items: T[];
}

const get = <T>(path: string) => send<T>("GET", path);
const remove = (path: string) => send<void>("DELETE", path);
const post = <T>(path: string, body: unknown = {}, headers?: Record<string, string>) => send<T>("POST", path, body, headers);

export const api = {
  session: () => get<Session>("/session"),
  signInByLink: (link: string) => post<void>("/session", { link }),
  signIn: (user: string, password: string) => post<void>("/session", { user, password }),
  oidcStart: (to: string) => `${ROOT}/oidc/start?to=${part(to)}`,
  signOut: () => remove("/session"),

  users: () => get<List<UserRow>>("/users"),
  addUser: (user: { name: string; password: string; groups: string[] }) => post<void>("/users", user),
  setPassword: (user: string, password: string, old?: string) =>
    post<void>(`/users/${part(user)}/password`, { password, ...(old === undefined ? {} : { old }) }),
  removeUser: (user: string) => remove(`/users/${part(user)}`),
  tokens: () => get<List<TokenRow>>("/tokens"),
  makeToken: (token: { name: string; scope?: Scope; expiresIn: number }) => post<NewToken>("/tokens", token),
  revokeToken: (id: string) => remove(`/tokens/${part(id)}`),
  sessions: () => get<List<SessionRow>>("/sessions"),
  endSession: (id: string) => remove(`/sessions/${part(id)}`),
  credentials: () => get<List<CredentialRow>>("/credentials"),
  search: (question: string) => get<List<Found>>(`/search?q=${part(question)}`),
  about: () => get<About>("/about"),
  projects: () => get<List<{ name: string }>>("/projects"),

  board: (project: string) => get<Board>(`${of(project)}/board`),
  changesUrl: (project: string) => `${ROOT}${of(project)}/changes`,
  why: (project: string) => get<List<Answer>>(`${of(project)}/why`),
  /** An answer for each stage that asks for it. */
  whyFreight: (project: string, freight: string) => get<List<Answer>>(`${of(project)}/why?about=${part(`freight/${freight}`)}`),

  plan: (project: string, stage: string, freight: string) => post<PlanView>(`${of(project)}/plans`, { stage, freight }),
  promote: (project: string, ask: { stage: string; freight: string; planDigest?: string }, key: string) =>
    post<{ name: string }>(`${of(project)}/promotions`, ask, { "Idempotency-Key": key }),
  promoteDownstream: (project: string, ask: { downstreamOf: string; freight: string }, key: string) =>
    post<Downstream>(`${of(project)}/promotions`, ask, { "Idempotency-Key": key }),
  promotion: (project: string, name: string) => get<PromotionView>(`${of(project)}/promotions/${part(name)}`),
  written: (project: string, name: string) => get<WrittenFiles>(`${of(project)}/promotions/${part(name)}/written`),
  abort: (project: string, name: string) => post<void>(`${of(project)}/promotions/${part(name)}/abort`),
  resolve: (project: string, name: string, choice: "repeat" | "skip") =>
    post<void>(`${of(project)}/promotions/${part(name)}/resolve`, { choice }),

  approve: (project: string, freight: string, stage: string, key: string) =>
    post<void>(`${of(project)}/freight/${part(freight)}/approve`, { stage }, { "Idempotency-Key": key }),
  difference: (project: string, from: string, to: string) =>
    get<FreightDifference>(`${of(project)}/freight/${part(from)}/difference/${part(to)}`),
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
