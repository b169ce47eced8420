// Stages side by side, each in its colour, each a link to its panel.
import { StageDot } from "../look/StageDot.tsx";
import { OpenLink } from "./OpenLink.tsx";
import css from "./StageLinks.module.css";

export const StageLinks = ({ names }: { names: readonly string[] }) => (
  <span className={css.stages}>
    {names.map((name) => (
      <OpenLink key={name} kind="stage" name={name} className={css.link}>
        <StageDot name={name} />
      </OpenLink>
    ))}
  </span>
);
