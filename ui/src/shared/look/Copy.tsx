// A small monospace text that is whole on hover and copied by a click.
import { useState } from "react";
import css from "./Copy.module.css";

export function Copy({ text, shown = text, label }: { text: string; shown?: string; label?: string }) {
  const [said, say] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("copied");
    } catch {
      say("not copied: the browser refused");
    }
  };
  return (
    <button
      type="button"
      className={css.copy}
      title={said || `${text} (click copies)`}
      onClick={copy}
      onBlur={() => say("")}
      onMouseLeave={() => say("")}
    >
      <span className="visually-hidden">copy {label} </span>
      <code>{shown}</code>
      <span className={css.said} role="status">
        {said}
      </span>
    </button>
  );
}
