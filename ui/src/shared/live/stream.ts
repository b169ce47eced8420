// Keeps a live board fed: reads the stream of changes, resumes it where it broke, and reads the whole board when told to.
import { api } from "../api/client.ts";
import { EventReader } from "../api/events.ts";
import { Problem, problemOf } from "../api/problem.ts";
import type { Board, BoardChange, Rights } from "../api/types.ts";
import type { LiveBoard } from "./board.ts";

const SILENCE_MS_MAX = 25_000; // The server says something every 10 s.
const HIDDEN_MS_MAX = 60_000; // So long a hidden tab keeps its stream; then it rests until somebody looks.
const RETRY_MS = [300, 600, 1_200, 2_500, 5_000];

/** What the stream needs of the world; tests pass their own. */
export interface Line {
  open(lastEventId: string | undefined, signal: AbortSignal): Promise<Response>;
  board(): Promise<Board>;
  now(): number;
  /** Resolves when nobody has looked for a while; what is hidden needs no stream. */
  unwatched(signal: AbortSignal): Promise<void>;
  /** Resolves when somebody looks. */
  watched(signal: AbortSignal): Promise<void>;
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function lineTo(project: string): Line {
  return {
    open: (lastEventId, signal) =>
      fetch(api.changesUrl(project), {
        credentials: "same-origin",
        cache: "no-store",
        signal,
        headers: { Accept: "text/event-stream", ...(lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId }) },
      }),
    board: () => api.board(project),
    now: () => Date.now(),
    unwatched: async (signal) => {
      while (!signal.aborted) {
        await whenHidden(true, signal);
        // Someone who is back within the time finds everything as it was.
        const back = whenHidden(false, signal).then(() => true);
        const isBack = await Promise.race([back, pause(HIDDEN_MS_MAX, signal).then(() => false)]);
        if (!isBack) return;
      }
    },
    watched: (signal) => whenHidden(false, signal),
    wait: (ms, signal) =>
      new Promise((resolve) => {
        // A network that is back, and a reader who is back, are not kept waiting.
        const done = () => {
          clearTimeout(timer);
          window.removeEventListener("online", done);
          document.removeEventListener("visibilitychange", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        window.addEventListener("online", done);
        document.addEventListener("visibilitychange", done);
        signal.addEventListener("abort", done, { once: true });
      }),
  };
}

/** Resolves as soon as the page is hidden, or not hidden, as asked. */
const whenHidden = (isHidden: boolean, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const look = () => {
      if (document.hidden !== isHidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    look();
  });

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Runs until `stop` is called or the session ends; `onEnd` is told why it ended. */
export function follow(board: LiveBoard, line: Line, onEnd: (problem: Problem) => void): { stop(): void; done: Promise<void> } {
  const stopped = new AbortController();
  const done = run(board, line, stopped.signal, onEnd);
  return { stop: () => stopped.abort(), done };
}

async function run(board: LiveBoard, line: Line, stopped: AbortSignal, onEnd: (problem: Problem) => void) {
  const at: Place = { lastEventId: undefined, shown: undefined };
  for (let failures = 0; !stopped.aborted;) {
    try {
      await readOnce(board, line, stopped, at, () => {
        failures = 0;
      });
      board.connect({ state: "connecting" });
      await line.watched(stopped);
      continue;
    } catch (cause) {
      if (stopped.aborted) return;
      // A session that ended and a project that is not there do not come back by themselves.
      if (cause instanceof Problem && [401, 403, 404].includes(cause.status)) {
        board.connect({ state: "ended" });
        onEnd(cause);
        return;
      }
      if (board.connection.state !== "lost") {
        at.shown = snapshot(board);
        board.connect({ state: "lost", since: line.now(), why: cause instanceof Error ? cause.message : String(cause) });
      }
    }
    await line.wait(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 5_000, stopped);
    failures += 1;
  }
}

interface Place {
  lastEventId: string | undefined;
  /** What stood on the page when the connection was lost. */
  shown: Map<string, string> | undefined;
}

/** Reads until the line breaks, which it throws, or nobody looks any more. */
async function readOnce(board: LiveBoard, line: Line, stopped: AbortSignal, at: Place, alive: () => void) {
  const broken = new AbortController();
  const stop = () => broken.abort();
  stopped.addEventListener("abort", stop, { once: true });
  let silence = setTimeout(stop, SILENCE_MS_MAX);
  let rests = false;
  try {
    const response = await line.open(at.lastEventId, broken.signal);
    if (!response.ok) throw await problemOf(response);
    if (!response.body) throw new Error("the stream has no body");
    // The stream is open before the board is read: what changes in between is in both, and the older of the two is ignored.
    if (at.lastEventId === undefined) board.replace(await line.board());
    alive();
    welcome(board, line, at);
    void line.unwatched(broken.signal).then(() => {
      rests = !broken.signal.aborted;
      stop();
    });
    const reader = new EventReader();
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await text.read();
      if (done) throw new Error(broken.signal.aborted ? "nothing was heard for 25 s" : "the stream ended");
      clearTimeout(silence);
      silence = setTimeout(stop, SILENCE_MS_MAX);
      for (const event of reader.take(value)) {
        if (event.event === "resync") board.replace(await line.board());
        else if (event.event === "board") board.apply(JSON.parse(event.data) as BoardChange);
        else if (event.event === "rights") board.allow(JSON.parse(event.data) as Rights);
        if (event.id !== undefined) at.lastEventId = event.id;
        compare(board, line, at);
        // To who comes back the server says their rights after all that they missed.
        if (event.event === "rights") at.shown = undefined;
      }
    }
  } catch (cause) {
    if (!rests) throw cause;
  } finally {
    clearTimeout(silence);
    stopped.removeEventListener("abort", stop);
    broken.abort();
  }
}

function welcome(board: LiveBoard, line: Line, at: Place) {
  const before = board.connection;
  board.connect({ state: "live" });
  if (before.state !== "lost") return;
  board.say({ from: before.since, until: line.now(), stages: [], freight: [] });
  compare(board, line, at);
  if (at.lastEventId === undefined) at.shown = undefined;
}

const CATCH_UP_MS = 3_000; // What arrives so soon after the return was missed; later changes are seen as they happen.

function compare(board: LiveBoard, line: Line, at: Place) {
  if (!board.missed || !at.shown || line.now() - board.missed.until > CATCH_UP_MS) return;
  const shown = at.shown;
  const stages = board
    .list("stages")
    .filter((one) => shown.get(`stages/${one.name}`) !== JSON.stringify(one))
    .map((one) => one.name);
  const freight = board
    .list("freight")
    .filter((one) => !shown.has(`freight/${one.name}`))
    .map((one) => one.name);
  board.say({ ...board.missed, stages, freight });
}

function snapshot(board: LiveBoard): Map<string, string> {
  const shown = new Map<string, string>();
  for (const one of board.list("stages")) shown.set(`stages/${one.name}`, JSON.stringify(one));
  for (const one of board.list("freight")) shown.set(`freight/${one.name}`, "");
  return shown;
}
