// A titled part of a panel, and its rows of name and value.
import type { ReactNode } from "react";
import css from "./Section.module.css";

export function Section({ title, children, aside }: { title: string; children: ReactNode; aside?: ReactNode }) {
  return (
    <section className={css.section}>
      <header className={css.header}>
        <h3>{title}</h3>
        {aside}
      </header>
      {children}
    </section>
  );
}

export function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={css.row}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export const Rows = ({ children }: { children: ReactNode }) => <dl className={css.rows}>{children}</dl>;
export const Actions = ({ children }: { children: ReactNode }) => <div className={css.actions}>{children}</div>;
