// A refusal or failure, in the server's words: what, where, what to do, and an id that is in its log.

export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  hint?: string;
  id?: string;
}

export class Problem extends Error {
  readonly type: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
  readonly id: string;

  constructor(body: ProblemBody, status: number) {
    super(body.detail || body.title || `the server answered ${status}`);
    this.type = body.type ?? "about:blank";
    this.status = body.status ?? status;
    this.title = body.title ?? "";
    this.detail = body.detail ?? "";
    this.hint = body.hint ?? "";
    this.id = body.id ?? "";
  }

  /** Whether its type ends in this word: `plan-changed`. */
  is(word: string): boolean {
    return this.type.split("/").pop() === word;
  }
}

/** The server did not answer at all: what was asked may or may not have been done. */
export function unreachable(what: string, cause: unknown): Problem {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Problem(
    {
      type: "unreachable",
      title: "no answer from the control plane",
      detail: `${what}: no answer from the control plane (${why})`,
      hint: "It may have been done all the same: look before you ask again.",
    },
    0,
  );
}

/** Reads a refusal, whether it is problem JSON or something a proxy wrote. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  try {
    return new Problem(JSON.parse(text) as ProblemBody, response.status);
  } catch {
    return new Problem(
      { title: `the server answered ${response.status} ${response.statusText}`.trim(), detail: text.slice(0, 500) },
      response.status,
    );
  }
}
