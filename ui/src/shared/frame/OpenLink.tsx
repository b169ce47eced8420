// A link that opens an object's side panel over what is there; it can be copied and opened elsewhere like any link.
import type { AnchorHTMLAttributes } from "react";
import { hrefOf, useGo, type Openable } from "./open.ts";

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  kind: Openable;
  name: string;
}

export function OpenLink({ kind, name, children, ...rest }: Props) {
  const { open } = useGo();
  return (
    <a
      href={hrefOf(kind, name)}
      {...rest}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        open(kind, name);
      }}
    >
      {children}
    </a>
  );
}
