// A fault of the page itself, in its own words; a part that could not be fetched is most often a newer version on the server.
import { Button } from "../look/Button.tsx";
import { ProblemNote } from "../look/ProblemNote.tsx";
import { Problem } from "../api/problem.ts";

export function PageFault({ error }: { error: unknown }) {
  const words = error instanceof Error ? error.message : String(error);
  const isMissing = /import|fetch|module/i.test(words);
  const problem = new Problem(
    {
      title: "a fault of the page",
      detail: `the page could not go on: ${words}`,
      hint: isMissing
        ? "A part of the page could not be fetched: the server is away, or has a newer page. Load it again."
        : "Load it again; if it comes back, report these words.",
    },
    0,
  );
  return (
    <main style={{ padding: 24, maxWidth: 720 }}>
      <ProblemNote error={problem} />
      <Button look="main" onClick={() => window.location.reload()}>
        Load again
      </Button>
    </main>
  );
}
