// Settings: this session, how the page looks, and what this control plane is. What the server cannot do has no place here.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../shared/api/client.ts";
import { Action } from "../shared/look/Action.tsx";
import { Ago } from "../shared/look/Ago.tsx";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { Actions, Row, Rows, Section } from "../shared/look/Section.tsx";
import { chooseTheme, chosenTheme, type Theme } from "../shared/look/theme.ts";
import css from "./SettingsPage.module.css";

const THEMES: [Theme, string][] = [
  ["system", "as the system"],
  ["light", "light"],
  ["dark", "dark"],
];

export function SettingsPage() {
  const queries = useQueryClient();
  const session = useQuery({ queryKey: ["session"], queryFn: api.session });
  const about = useQuery({ queryKey: ["about"], queryFn: api.about });
  const [theme, setTheme] = useState(chosenTheme());
  return (
    <section className={css.page}>
      <h1>Settings</h1>
      {session.isError && <ProblemNote error={session.error} />}
      <Section title="This session">
        {session.data && (
          <Rows>
            <Row name="user">
              {session.data.user}
              {session.data.name !== "" && session.data.name !== session.data.user && ` (${session.data.name})`}
            </Row>
            <Row name="signed in by">{session.data.via}</Row>
            <Row name="ends">
              <Ago at={session.data.expiresAt} />
            </Row>
          </Rows>
        )}
        <Actions>
          <Action label="Sign out" act={() => api.signOut().then(() => queries.resetQueries({ queryKey: ["session"] }))} />
        </Actions>
      </Section>
      <Section title="How the page looks">
        <div className={css.themes} role="radiogroup" aria-label="theme">
          {THEMES.map(([value, words]) => (
            <label key={value}>
              <input
                type="radio"
                name="theme"
                checked={theme === value}
                onChange={() => {
                  chooseTheme(value);
                  setTheme(value);
                }}
              />{" "}
              {words}
            </label>
          ))}
        </div>
      </Section>
      <Section title="This control plane">
        {about.data && (
          <Rows>
            <Row name="version">{about.data.version}</Row>
            <Row name="engine">
              {about.data.engine}: {about.data.engineNote}
            </Row>
          </Rows>
        )}
      </Section>
    </section>
  );
}
