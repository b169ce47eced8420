// The table of pages: one line a page. The URL is the state; each page but the first is loaded when it is opened.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from "@tanstack/react-router";
import { PipelinePage } from "./pipeline/PipelinePage.tsx";
import { FirstProject } from "./shared/frame/FirstProject.tsx";
import { PageFault } from "./shared/frame/PageFault.tsx";
import { ProjectFrame } from "./shared/frame/ProjectFrame.tsx";
import { validateSearch } from "./shared/frame/search.ts";

const root = createRootRoute({ component: Outlet, notFoundComponent: FirstProject });
const home = createRoute({ getParentRoute: () => root, path: "/", component: FirstProject });
const project = createRoute({ getParentRoute: () => root, path: "/p/$project", component: ProjectFrame, validateSearch });
const pipeline = createRoute({ getParentRoute: () => project, path: "/", component: PipelinePage });
const whatIsWhere = createRoute({
  getParentRoute: () => project,
  path: "what-is-where",
  component: lazyRouteComponent(() => import("./what-is-where/WhatIsWherePage.tsx"), "WhatIsWherePage"),
});
const activity = createRoute({
  getParentRoute: () => project,
  path: "activity",
  component: lazyRouteComponent(() => import("./activity/ActivityPage.tsx"), "ActivityPage"),
});
const resourcesPage = lazyRouteComponent(() => import("./resources/ResourcesPage.tsx"), "ResourcesPage");
const resources = createRoute({ getParentRoute: () => project, path: "resources", component: resourcesPage });
const resourcesOf = createRoute({ getParentRoute: () => project, path: "resources/$kind", component: resourcesPage });
const resource = createRoute({ getParentRoute: () => project, path: "resources/$kind/$name", component: resourcesPage });
const settings = createRoute({
  getParentRoute: () => project,
  path: "settings",
  component: lazyRouteComponent(() => import("./settings/SettingsPage.tsx"), "SettingsPage"),
});

// Plain words in the query, as people write them: `?filter=1.4`, not JSON.
const parseSearch = (text: string) => Object.fromEntries(new URLSearchParams(text));
const stringifySearch = (search: Record<string, unknown>) => {
  const words = new URLSearchParams(
    Object.entries(search).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  ).toString();
  return words === "" ? "" : `?${words}`;
};

export const router = createRouter({
  routeTree: root.addChildren([home, project.addChildren([pipeline, whatIsWhere, activity, resources, resourcesOf, resource, settings])]),
  defaultPreload: "intent",
  defaultErrorComponent: PageFault,
  parseSearch,
  stringifySearch,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
