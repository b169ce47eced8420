// Making an API token: its name, how long, how much; then the token itself, shown this once.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../shared/api/client.ts";
import type { NewToken } from "../shared/api/types.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { Copy } from "../shared/look/Copy.tsx";
import { Dialog } from "../shared/look/Dialog.tsx";
import { Choices, Field, FormDialog } from "../shared/look/Form.tsx";
import { scopeOf, VERBS, type VerbChoice } from "./scope.ts";
import css from "./SettingsPage.module.css";

const DAY_S = 86_400;
const LIFETIMES: [number, string][] = [
  [1, "1 day"],
  [7, "7 days"],
  [30, "30 days"],
  [90, "90 days"],
  [365, "1 year"],
];
const CHOICES: [VerbChoice, string][] = [
  ["read", "read"],
  ["promote", "promote and approve"],
  ["refresh", "refresh"],
  ["write", "change resources"],
];

export function NewTokenDialog({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const projects = useQuery({ queryKey: ["projects"], queryFn: api.projects });
  const [made, setMade] = useState<NewToken | null>(null);
  if (made) return <Once made={made} onClose={onClose} />;
  const make = async (given: FormData) => {
    const choices = given.getAll("verbs").filter((one): one is VerbChoice => typeof one === "string" && one in VERBS);
    const scope = scopeOf(given.getAll("projects").map(String), choices);
    const days = Number(given.get("days"));
    setMade(await api.makeToken({ name: String(given.get("name")), expiresIn: days * DAY_S, ...(scope ? { scope } : {}) }));
    onMade();
  };
  return (
    <FormDialog title="Make an API token" verb="Make the token" act={make} onDone={() => {}} onClose={onClose}>
      <Field name="Name" hint="What uses it: a name to know it by when you revoke it.">
        <input name="name" autoComplete="off" spellCheck={false} required autoFocus />
      </Field>
      <Field name="Ends after">
        <select name="days" defaultValue="30">
          {LIFETIMES.map(([days, words]) => (
            <option key={days} value={days}>
              {words}
            </option>
          ))}
        </select>
      </Field>
      <Choices name="May do" hint="None ticked: all that you may.">
        {CHOICES.map(([choice, words]) => (
          <label key={choice}>
            <input type="checkbox" name="verbs" value={choice} /> {words}
          </label>
        ))}
      </Choices>
      <Choices name="In" hint="None ticked: in every project.">
        {(projects.data?.items ?? []).map(({ name }) => (
          <label key={name}>
            <input type="checkbox" name="projects" value={name} /> {name}
          </label>
        ))}
      </Choices>
    </FormDialog>
  );
}

function Once({ made, onClose }: { made: NewToken; onClose: () => void }) {
  return (
    <Dialog title={`Token ${made.name}`} onClose={onClose}>
      <div className={css.once}>
        <p>Copy it now: it is not kept here, and is not shown again.</p>
        <p className={css.secret}>
          <Copy text={made.token} label="token" />
        </p>
        {made.expiresAt && (
          <p>
            It ends <Ago at={made.expiresAt} />.
          </p>
        )}
        <p className={css.foot}>
          <Button look="main" autoFocus onClick={onClose}>
            I have it
          </Button>
        </p>
      </div>
    </Dialog>
  );
}
