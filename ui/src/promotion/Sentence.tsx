// The plan's sentence; names between backquotes are set as code.
import css from "./Sentence.module.css";

export function Sentence({ text }: { text: string }) {
  return <p className={css.sentence}>{text.split("`").map((piece, index) => (index % 2 === 1 ? <code key={index}>{piece}</code> : piece))}</p>;
}
