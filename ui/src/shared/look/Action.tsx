// A button that asks the control plane: it shows *asked*, never more than that; what came of it is on the board.
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useIsLive } from "../live/hooks.ts";
import { Button, type ButtonProps } from "./Button.tsx";
import { ProblemNote } from "./ProblemNote.tsx";

interface Props {
  label: string;
  act: () => Promise<unknown>;
  /** Asks once more before it acts: what will happen, in words. */
  sure?: string;
  look?: ButtonProps["look"];
  /** When this changes, the board has answered and the button is itself again. */
  answered?: unknown;
  title?: string;
  /** What a screen reader says, where the label alone would not tell which. */
  name?: string;
}

export function Action({ label, act, sure, look = "plain", answered, title, name }: Props) {
  const isLive = useIsLive();
  const [asks, setAsks] = useState(false);
  const asked = useMutation({ mutationFn: act });
  const { reset } = asked;
  useEffect(() => {
    reset();
    setAsks(false);
  }, [answered, reset]);
  const go = () => {
    setAsks(false);
    asked.mutate();
  };
  const state = asked.isPending ? "asking…" : asked.isSuccess ? "asked" : label;
  const why = isLive ? title : "no connection to the control plane";
  if (asks) {
    return (
      <span role="group" aria-label={sure}>
        {sure}{" "}
        <Button look="danger" disabled={!isLive} onClick={go}>
          {label}
        </Button>{" "}
        <Button autoFocus onClick={() => setAsks(false)}>
          No
        </Button>
      </span>
    );
  }
  return (
    <>
      <Button
        look={look}
        disabled={!isLive || asked.isPending || asked.isSuccess}
        {...(why ? { title: why } : {})}
        {...(name ? { "aria-label": name } : {})}
        onClick={() => (sure ? setAsks(true) : go())}
      >
        {state}
      </Button>
      {asked.isError && <ProblemNote error={asked.error} />}
    </>
  );
}
