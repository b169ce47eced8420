// Starts the page: theme, session, then the routes.
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./shared/frame/App.tsx";
import { Problem } from "./shared/api/problem.ts";
import { showTheme } from "./shared/look/theme.ts";
import { takeFragment } from "./shared/sign-in/link.ts";
import "./shared/look/tokens.css";
import "./shared/look/base.css";

showTheme();
const came = takeFragment(window.location, window.history);

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // Whatever is refused for want of a session asks for one.
    onError: (error, query) => {
      if (error instanceof Problem && error.status === 401 && query.queryKey[0] !== "session")
        void queries.invalidateQueries({ queryKey: ["session"] });
    },
  }),
  defaultOptions: {
    queries: { staleTime: 2_000, retry: (n, error) => n < 1 && !(error instanceof Problem && error.status >= 400 && error.status < 500) },
    mutations: { retry: false },
  },
});

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <QueryClientProvider client={queries}>
      <App came={came} />
    </QueryClientProvider>,
  );
