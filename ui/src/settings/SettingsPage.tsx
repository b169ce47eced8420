// Settings: this session, how the page looks, users, tokens, sessions, credentials, and what this control plane is. What one may not see says so.
import { useQuery } from "@tanstack/react-query";
import { api } from "../shared/api/client.ts";
import { Quiet } from "../shared/look/Quiet.tsx";
import { Row, Rows, Section } from "../shared/look/Section.tsx";
import { Credentials } from "./Credentials.tsx";
import { Looks } from "./Looks.tsx";
import { Sessions } from "./Sessions.tsx";
import { ThisSession } from "./ThisSession.tsx";
import { Tokens } from "./Tokens.tsx";
import { Users } from "./Users.tsx";
import css from "./SettingsPage.module.css";

export function SettingsPage() {
  return (
    <section className={css.page}>
      <h1>Settings</h1>
      <ThisSession />
      <Looks />
      <Tokens />
      <Sessions />
      <Users />
      <Credentials />
      <ControlPlane />
    </section>
  );
}

function ControlPlane() {
  const about = useQuery({ queryKey: ["about"], queryFn: api.about });
  return (
    <Section title="This control plane">
      {about.isError && <Quiet error={about.error} />}
      {about.data && (
        <Rows>
          <Row name="version">{about.data.version}</Row>
          <Row name="engine">
            {about.data.engine}: {about.data.engineNote}
          </Row>
          <Row name="API">
            <a href="/seaway/v1/openapi.json" target="_blank" rel="noreferrer">
              OpenAPI 3.1
            </a>
            , and Kubernetes' own under <code>/api</code> and <code>/apis</code>
          </Row>
        </Rows>
      )}
    </Section>
  );
}
