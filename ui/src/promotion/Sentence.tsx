// The plan's sentence, the first thing one reads.
import { Words } from "../shared/look/Words.tsx";
import css from "./Sentence.module.css";

export const Sentence = ({ text }: { text: string }) => (
  <p className={css.sentence}>
    <Words text={text} />
  </p>
);
