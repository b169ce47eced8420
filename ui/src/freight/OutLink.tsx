// A link out of the page, to a place that an artifact names; only http and https are links.
import type { ReactNode } from "react";

export function OutLink({ to, children }: { to: string | undefined; children: ReactNode }) {
  if (to === undefined || !/^https?:\/\//i.test(to)) return <>{children}</>;
  return (
    <a href={to} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}
