// How the page looks in this browser: its theme, and how times are shown.
import { useState } from "react";
import { switchTimes, useClock } from "../shared/look/clock.ts";
import { Row, Rows, Section } from "../shared/look/Section.tsx";
import { chooseTheme, chosenTheme, type Theme } from "../shared/look/theme.ts";
import css from "./SettingsPage.module.css";

const THEMES: [Theme, string][] = [
  ["system", "as the system"],
  ["light", "light"],
  ["dark", "dark"],
];

export function Looks() {
  const [theme, setTheme] = useState(chosenTheme());
  const isAbsolute = useClock((_, absolute) => absolute);
  return (
    <Section title="How the page looks">
      <Rows>
        <Row name="theme">
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
                />
                {words}
              </label>
            ))}
          </div>
        </Row>
        <Row name="times">
          <div className={css.themes} role="radiogroup" aria-label="times">
            {[false, true].map((value) => (
              <label key={String(value)} title="t switches">
                <input type="radio" name="times" checked={isAbsolute === value} onChange={switchTimes} />
                {value ? "the instants themselves" : "how long ago"}
              </label>
            ))}
          </div>
        </Row>
      </Rows>
    </Section>
  );
}
