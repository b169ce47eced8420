// The side panel: opens over the page, takes nothing away from it, closes on Escape.
import { useEffect, useRef, type ReactNode } from "react";
import { useOpen } from "../frame/open.ts";
import css from "./Panel.module.css";

export function Panel({
  kind,
  title,
  subtitle,
  colour,
  children,
}: {
  kind: string;
  title: ReactNode;
  subtitle?: ReactNode;
  colour?: string;
  children: ReactNode;
}) {
  const { close } = useOpen();
  const panel = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);
  useEffect(() => {
    before.current = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => {
      if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus({ preventScroll: true });
    };
  }, []);
  return (
    <aside
      ref={panel}
      className={css.panel}
      tabIndex={-1}
      aria-label={kind}
      style={colour ? { borderTopColor: colour } : undefined}
      data-panel={kind}
    >
      <header className={css.header}>
        <div className={css.titles}>
          <p className={css.kind}>{kind}</p>
          <h2>{title}</h2>
          {subtitle}
        </div>
        <button type="button" className={css.close} aria-label="close" title="close (Esc)" onClick={close}>
          ✕
        </button>
      </header>
      <div className={css.body}>{children}</div>
    </aside>
  );
}
