// The head line: project, pages, search, what this control plane is, and who you are.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { api } from "../api/client.ts";
import { useSession } from "../sign-in/session.ts";
import { PAGES, type Page } from "./open.ts";
import css from "./Header.module.css";

const SHOWN: [Page, string, string][] = [
  ["pipeline", "Pipeline", "g p"],
  ["what is where", "What is where", "g w"],
  ["activity", "Activity", "g a"],
  ["resources", "Resources", "g r"],
];

export function Header({ project, onSearch, onHelp }: { project: string; onSearch: () => void; onHelp: () => void }) {
  const navigate = useNavigate();
  const about = useQuery({ queryKey: ["about"], queryFn: api.about, staleTime: Infinity });
  const session = useSession();
  const projects = useQuery({ queryKey: ["projects"], queryFn: api.projects, staleTime: 60_000 });
  const names = projects.data?.items.map((one) => one.name) ?? [project];
  const all = names.includes(project) ? names : [project, ...names];
  return (
    <header className={css.header}>
      <span className={css.brand}>Seaway</span>
      <select
        className={css.project}
        aria-label="project"
        value={project}
        onChange={(event) => void navigate({ to: PAGES.pipeline, params: { project: event.target.value } })}
      >
        {all.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <nav className={css.pages} aria-label="pages">
        {SHOWN.map(([page, name, keys]) => (
          <Link
            key={name}
            to={PAGES[page]}
            params={{ project }}
            activeOptions={{ exact: page === "pipeline", includeSearch: false }}
            activeProps={{ className: css.active, "aria-current": "page" }}
            className={css.page}
            title={`${name} (${keys})`}
          >
            {name}
          </Link>
        ))}
      </nav>
      <button type="button" className={css.search} onClick={onSearch} title="search (Ctrl-K)">
        <span>Search</span>
        <kbd>Ctrl-K</kbd>
      </button>
      <span
        className={css.engine}
        title={
          about.data
            ? `Seaway ${about.data.version}; its objects live in the ${about.data.engine} engine, and it is ${about.data.engineNote}`
            : ""
        }
      >
        {about.data && `${about.data.engine} · ${about.data.engineNote}`}
      </span>
      <button type="button" className={css.help} onClick={onHelp} title="keys (?)" aria-label="keys">
        ?
      </button>
      <Link
        to={PAGES.settings}
        params={{ project }}
        className={css.user}
        activeProps={{ "aria-current": "page" }}
        title={`${session?.user ?? ""}: session and settings (g s)`}
      >
        {session ? session.name || session.user : "…"}
      </Link>
    </header>
  );
}
