// A part of somebody's name: it filters while it is typed, and stands in the URL as soon as the hand rests.
import { useEffect, useRef, useState } from "react";

const REST_MS = 250;

export function Who({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  const said = useRef(value);
  const change = useRef(onChange);
  change.current = onChange;
  useEffect(() => {
    // The URL changed by other means: a link, or "everything".
    if (value === said.current) return;
    said.current = value;
    setText(value);
  }, [value]);
  const wanted = text.trim();
  useEffect(() => {
    if (wanted === said.current) return;
    const timer = setTimeout(() => {
      said.current = wanted;
      change.current(wanted);
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [wanted]);
  return (
    <input
      data-filter
      type="search"
      placeholder="who"
      aria-label="only what this person did"
      title="filter by a part of the name (/)"
      spellCheck={false}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}
