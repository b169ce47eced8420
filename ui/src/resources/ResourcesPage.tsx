// Resources: the YAML of anything in the project, read, edited, tried and saved.
import { useParams } from "@tanstack/react-router";
import { KindList } from "./KindList.tsx";
import { ResourceView } from "./ResourceView.tsx";
import { resourceOf } from "./kinds.ts";
import css from "./ResourcesPage.module.css";

export function ResourcesPage() {
  const { kind = "stages", name } = useParams({ strict: false }) as { kind?: string; name?: string };
  const resource = resourceOf(kind);
  return (
    <section className={css.page} data-chosen={name !== undefined}>
      <KindList chosen={kind} name={name} />
      <div className={css.main}>
        {!resource ? (
          <p className={css.hint}>There is no kind {kind} here.</p>
        ) : name === undefined ? (
          <p className={css.hint}>
            Choose one of the {resource.words}: its YAML can be read here, changed, and tried before it is saved. Secrets are never shown;
            their names are in the settings.
          </p>
        ) : (
          <ResourceView key={`${kind}/${name}`} resource={resource} name={name} />
        )}
      </div>
    </section>
  );
}
