// A folded section of a panel that reads the definition only when it is opened.
import { lazy, Suspense, useState } from "react";
import { Section } from "../shared/look/Section.tsx";

const Definition = lazy(() => import("./Definition.tsx").then((module) => ({ default: module.Definition })));

export function DefinitionSection({ plural, name }: { plural: string; name: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Section title="Definition">
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>YAML</summary>
        {isOpen && (
          <Suspense fallback={null}>
            <Definition plural={plural} name={name} />
          </Suspense>
        )}
      </details>
    </Section>
  );
}
