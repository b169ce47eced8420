import { expect, test } from "vitest";
import { Problem } from "../api/problem.ts";
import type { Board } from "../api/types.ts";
import { LiveBoard } from "./board.ts";
import { board, stage } from "./examples.ts";
import { follow, type Line } from "./stream.ts";

/** A line whose answers are a script: each opening is a list of texts, after which the stream ends; then the test is over. */
function scripted(script: (string[] | Error | Response)[], boards: Board[], rests: number[]) {
  const asked: (string | undefined)[] = [];
  let now = 1_000;
  let watched = 0;
  let end: () => void = () => {};
  const line: Line = {
    async open(lastEventId, signal) {
      const next = script[asked.length];
      asked.push(lastEventId);
      if (next === undefined) {
        end();
        throw new Error("the script is over");
      }
      if (next instanceof Error) throw next;
      if (next instanceof Response) return next;
      return new Response(
        new ReadableStream({
          start(out) {
            for (const text of next) out.enqueue(new TextEncoder().encode(text));
            if (rests.includes(asked.length)) signal.addEventListener("abort", () => out.error(signal.reason));
            else out.close();
          },
        }),
      );
    },
    async board() {
      const next = boards.length > 1 ? boards.shift() : boards[0];
      if (!next) throw new Error("no board");
      return next;
    },
    now: () => (now += 1_000),
    unwatched: (signal) =>
      new Promise((resolve) => {
        const opening = asked.length;
        if (rests.includes(opening)) setTimeout(resolve, 5);
        signal.addEventListener("abort", () => resolve());
      }),
    watched: async () => {
      watched += 1;
    },
    wait: async () => {},
  };
  return {
    line,
    asked,
    watched: () => watched,
    whenOver: (act: () => void) => {
      end = act;
    },
  };
}

async function played(script: (string[] | Error | Response)[], boards: Board[], rests: number[] = []) {
  const live = new LiveBoard("bank");
  const states: string[] = [];
  live.subscribe("connection", () => {
    if (states.at(-1) !== live.connection.state) states.push(live.connection.state);
  });
  const { line, asked, watched, whenOver } = scripted(script, boards, rests);
  let ended: Problem | null = null;
  const stream = follow(live, line, (problem) => {
    ended = problem;
  });
  whenOver(() => stream.stop());
  await stream.done;
  return { live, states, asked, watched, ended: ended as Problem | null };
}

const changed = (id: string, revision: number, state: string) =>
  `id: ${id}\nevent: board\ndata: ${JSON.stringify({ revision, stages: [stage("qa", 0, { state })] })}\n\n`;

test("it begins with the board, and resumes after the last event it has seen", async () => {
  const { live, states, asked } = await played(
    [[changed("9:2", 2, "promoting")], [changed("9:3", 3, "verified")]],
    [board(1, [stage("qa", 0)])],
  );
  expect(asked).toEqual([undefined, "9:2", "9:3"]);
  expect(live.get("stages", "qa")?.state).toBe("verified");
  expect(states).toEqual(["live", "lost", "live", "lost"]);
});

test("a resync reads the board again", async () => {
  const boards = [board(7, [stage("qa", 0)]), board(1, [stage("qa", 0, { state: "failed" })])];
  const { live } = await played([["id: 2:1\nevent: resync\ndata: {}\n\n"]], boards);
  expect(live.get("stages", "qa")?.state).toBe("failed");
  expect(live.revision).toBe(1);
});

test("what was missed is said: the stages that changed and the freight that is new", async () => {
  const { live } = await played(
    [[": hello\n\n", changed("1:2", 2, "unchecked")], new Error("refused"), [changed("1:3", 3, "failed")]],
    [board(1, [stage("qa", 0)])],
  );
  expect(live.missed?.stages).toEqual(["qa"]);
  expect(live.missed && live.missed.until > live.missed.from).toBe(true);
});

test("when nobody looks the stream rests; it goes on where it was when somebody does, and nothing was lost", async () => {
  const { live, states, asked, watched } = await played(
    [[changed("9:2", 2, "promoting")], [changed("9:3", 3, "verified")]],
    [board(1, [stage("qa", 0)])],
    [1],
  );
  expect(asked).toEqual([undefined, "9:2", "9:3"]);
  expect(watched()).toBe(1);
  expect(states).toEqual(["live", "connecting", "live", "lost"]);
  expect(live.missed).toBeNull();
  expect(live.get("stages", "qa")?.state).toBe("verified");
});

test("a session that ended ends it, and is told", async () => {
  const refused = new Response(JSON.stringify({ title: "no session", status: 401 }), { status: 401 });
  const { live, ended, asked } = await played([[changed("1:2", 2, "failed")], refused], [board(1, [stage("qa", 0)])]);
  expect(ended?.status).toBe(401);
  expect(live.connection.state).toBe("ended");
  expect(asked).toHaveLength(2);
});

test("what happens after the return is not told as missed: the server says the rights after all that was", async () => {
  const rights = `event: rights\ndata: ${JSON.stringify({ promote: ["qa"], approve: true, refresh: true, write: true })}\n\n`;
  const { live } = await played(
    [[changed("1:2", 2, "unchecked")], new Error("refused"), [rights, changed("1:3", 3, "failed")]],
    [board(1, [stage("qa", 0)])],
  );
  expect(live.get("stages", "qa")?.state).toBe("failed");
  expect(live.missed?.stages).toEqual([]);
});
