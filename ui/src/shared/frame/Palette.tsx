// The palette: type a stage, a version or a verb.
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api } from "../api/client.ts";
import { useBoard } from "../live/hooks.ts";
import { switchTimes } from "../look/clock.ts";
import { Dialog } from "../look/Dialog.tsx";
import { chooseTheme } from "../look/theme.ts";
import { choicesOf, foundElsewhere, matching, type Choice, type Narrow } from "./choices.ts";
import { PAGES, useOpen } from "./open.ts";
import { useFound } from "./useFound.ts";
import css from "./Palette.module.css";

export interface Asked extends Narrow {
  question: string;
}

export function Palette({ asked, project, onClose, onHelp }: { asked: Asked; project: string; onClose: () => void; onHelp: () => void }) {
  const board = useBoard();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { open, plan } = useOpen();
  const [question, setQuestion] = useState(asked.question);
  const [at, setAt] = useState(0);
  // What there is when it opens: a list that moves under the hand is of no use.
  const choices = useMemo(() => choicesOf(board, asked), [board, asked]);
  const isNarrow = asked.stage !== undefined || asked.freight !== undefined;
  const elsewhere = useFound(isNarrow ? "" : question);
  const found = [...matching(choices, question), ...foundElsewhere(elsewhere.found, choices, project)];
  const here = Math.min(at, found.length - 1);
  const title =
    asked.stage !== undefined
      ? `Plan ${asked.stage} with…`
      : asked.freight !== undefined
        ? `Plan ${board.get("freight", asked.freight)?.label ?? ""} into…`
        : "Search";

  const choose = ({ what }: Choice) => {
    onClose();
    if (what.kind === "open") open(what.object, what.name);
    else if (what.kind === "plan") plan(what.stage, what.freight);
    else if (what.kind === "find")
      void navigate({
        to: PAGES.pipeline,
        params: { project: what.project },
        search: what.object === "project" ? {} : { [what.object]: what.name },
      });
    else if (what.kind === "go") void navigate({ to: PAGES[what.page], params: { project } });
    else if (what.verb === "help") onHelp();
    else if (what.verb === "times") switchTimes();
    else if (what.verb === "theme") chooseTheme(document.documentElement.dataset["theme"] === "dark" ? "light" : "dark");
    else void api.signOut().finally(() => queries.resetQueries({ queryKey: ["session"] }));
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const chosen = found[here];
    if (by !== 0) setAt(Math.max(0, Math.min(found.length - 1, here + by)));
    else if (event.key === "Enter" && chosen) choose(chosen);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog title={title} onClose={onClose} bare>
      <input
        className={css.question}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-label={title}
        placeholder={title === "Search" ? "a stage, a version, a promotion, or what to do" : title}
        aria-activedescendant={found[here] ? `palette-${here}` : undefined}
        value={question}
        autoFocus
        spellCheck={false}
        onChange={(event) => {
          setQuestion(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="palette-list" role="listbox" aria-label="found" className={css.list}>
        {found.map((one, index) => (
          <li
            key={one.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === here}
            className={css.choice}
            ref={(element) => {
              if (index === here) element?.scrollIntoView({ block: "nearest" });
            }}
            onMouseMove={() => setAt(index)}
            onClick={() => choose(one)}
          >
            <span className={css.verb}>{one.verb}</span> <span>{one.text}</span> <span className={css.detail}>{one.detail}</span>
            {one.keys !== undefined && <kbd>{one.keys}</kbd>}
          </li>
        ))}
      </ul>
      {found.length === 0 && (
        <p className={css.none}>
          {isNarrow
            ? "Nothing may be promoted here now: w says why."
            : elsewhere.isAsking
              ? "looking…"
              : "Nothing by that name, in any project that you may see."}
        </p>
      )}
    </Dialog>
  );
}
