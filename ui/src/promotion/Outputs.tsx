// What a step gave out: each value can be copied; the server has masked what is secret.
import { Copy } from "../shared/look/Copy.tsx";
import { short } from "../shared/look/version.ts";
import css from "./Outputs.module.css";

const isPlain = (value: unknown): value is string | number | boolean => ["string", "number", "boolean"].includes(typeof value);
const textOf = (value: unknown) => (isPlain(value) ? String(value) : JSON.stringify(value, null, 2));

/** A commit or digest is known by its beginning; what is copied is whole. */
const shownOf = (text: string) => (/^(sha256:)?[0-9a-f]{40,64}$/.test(text) ? short(text, 12) : text);

export function Outputs({ output }: { output: unknown }) {
  if (output === undefined || output === null) return null;
  const pairs = typeof output === "object" && !Array.isArray(output) ? Object.entries(output) : [["", output] as const];
  if (pairs.length === 0) return null;
  return (
    <details className={css.fold}>
      <summary>{pairs.length === 1 ? "1 output" : `${pairs.length} outputs`}</summary>
      <dl className={css.outputs} aria-label="outputs">
        {pairs.map(([name, value]) => (
          <div key={name}>
            <dt>{name || "output"}</dt>
            <dd>
              {isPlain(value) ? (
                <Copy text={textOf(value)} shown={shownOf(textOf(value))} label={name} />
              ) : (
                <details>
                  <summary>{Array.isArray(value) ? `${value.length} of them` : "more"}</summary>
                  <pre tabIndex={0}>{textOf(value)}</pre>
                  <Copy text={textOf(value)} shown="copy it as JSON" label={name} />
                </details>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
