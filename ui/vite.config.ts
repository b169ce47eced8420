// How the page is built: one index.html whose scripts and styles carry the placeholder `__NONCE__`, which the server replaces in each answer.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  html: { cspNonce: "__NONCE__" },
  build: { target: "es2022", assetsInlineLimit: 0, sourcemap: false, modulePreload: { polyfill: false } },
  css: { modules: { localsConvention: "camelCaseOnly" } },
  // Develop against the mock server of test/, or a real one: SEAWAY=https://127.0.0.1:7443 npm run dev
  server: { proxy: { "/seaway": { target: process.env["SEAWAY"] ?? "http://127.0.0.1:7444", secure: false } } },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
} as Parameters<typeof defineConfig>[0]);
