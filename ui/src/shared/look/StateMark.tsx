// A state as people read it: its shape and its word.
import { shapeOf, type Shape } from "./state.ts";
import css from "./StateMark.module.css";

const DRAWN: Record<Shape, React.ReactNode> = {
  check: <path d="M2.5 6.5 5 9l4.5-6" />,
  cross: <path d="m3 3 6 6m0-6-6 6" />,
  clock: (
    <>
      <circle cx="6" cy="6" r="4.5" />
      <path d="M6 3.5V6l1.8 1.2" />
    </>
  ),
  half: (
    <>
      <circle cx="6" cy="6" r="4.5" />
      <path d="M6 1.5a4.5 4.5 0 0 1 0 9z" className={css.filled} />
    </>
  ),
  dash: <path d="M2.5 6h7" />,
  ring: <circle cx="6" cy="6" r="4" />,
  bars: <path d="M4 2.5v7m4-7v7" />,
  question: <path d="M4 4.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M6 9.6v.2" />,
  barred: (
    <>
      <circle cx="6" cy="6" r="4.5" />
      <path d="m3 9 6-6" />
    </>
  ),
  square: <path d="M3 3h6v6H3z" />,
};

export function StateMark({ state, word = true }: { state: string; word?: boolean }) {
  const [shape, tone] = shapeOf(state);
  const name = state.toLowerCase();
  return (
    <span className={`${css.mark} ${css[tone]} ${word ? "" : css.bare}`} data-state={name}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        {DRAWN[shape]}
      </svg>
      {word ? <span>{name}</span> : <span className="visually-hidden">{name}</span>}
    </span>
  );
}
