// One demo and one browser that trusts its CA for real, with what each scene needs.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { guard, openBrowser } from "../../ui/test/browser/guard.mjs";
import { Demo } from "./demo.mjs";

const axe = readFileSync(createRequire(new URL("../../ui/package.json", import.meta.url)).resolve("axe-core/axe.min.js"), "utf8");

/** Nothing on a page takes so long, on a machine that has other things to do. */
const PATIENCE_MS = 20_000;

const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

/** `shots` is the folder for photographs. */
export async function begin({ shots } = {}) {
  const demo = await Demo.start();
  const browser = await trusting(demo).catch(async (error) => {
    await demo.end();
    throw error;
  });
  const faults = [];
  const contexts = [];
  let expected = new Set();
  const open = async (context, url = demo.url) => {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await guard(page, url, faults, (text) => expected.has(text));
    return page;
  };
  return {
    demo,
    browser,
    faults,
    shots,
    /** What this scene will make the browser complain of, to the letter; everything else that it says is a fault. */
    expects: (...texts) => texts.forEach((text) => expected.add(text)),
    /** A browser of somebody's own: signed in by a one-time link of theirs, or not signed in where `user` is null; `watch` runs before the page. */
    async signIn({ user = "bob", path = "/", link, watch, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      contexts.push(context);
      const page = await open(context);
      if (watch) await page.addInitScript(watch);
      const way = link ?? (user ? await demo.linkOf(user) : `${demo.url}${path}`);
      await page.goto(path === "/" || !user ? way : `${demo.url}${path}${new URL(way).hash}`);
      return page;
    },
    /** A browser of somebody's own at a control plane that is not the demo's, whose CA is this file. */
    async visit(url, ca) {
      trust(demo, url, ca);
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      contexts.push(context);
      return open(context, url);
    },
    /** One more tab of the same browser. */
    tab: (page) => open(page.context()),
    async axe(page, where) {
      // In a world of its own: the page's CSP stays in force and does not meet it.
      const session = await page.context().newCDPSession(page);
      const { frameTree } = await session.send("Page.getFrameTree");
      const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
      const evaluate = (expression, more = {}) => session.send("Runtime.evaluate", { expression, contextId: executionContextId, ...more });
      await evaluate(axe);
      const script = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations
        .filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => [one.id, one.nodes[0].html, one.nodes[0].failureSummary].join(" "))))`;
      const { result, exceptionDetails } = await evaluate(script, { awaitPromise: true });
      await session.detach();
      if (exceptionDetails) throw new Error(`axe on ${where}: ${exceptionDetails.text}`);
      return JSON.parse(result.value).map((one) => `${where}: ${one}`);
    },
    async forget() {
      for (const context of contexts.splice(0)) await context.close();
      expected = new Set();
      faults.length = 0;
    },
    /** What a page looks like, for a person to look at: both themes, wide and phone; `also` is told each as it stands. */
    async picture(page, name, also = async () => {}) {
      const folder = join(shots, "pages");
      mkdirSync(folder, { recursive: true });
      const before = page.viewportSize();
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        for (const colorScheme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
          await also(`${name} ${size} ${colorScheme}`);
        }
      }
      await page.setViewportSize(before);
      await page.emulateMedia({ colorScheme: null, reducedMotion: null });
    },
    /** What each open page looks like now. */
    async photograph(folder, name) {
      mkdirSync(folder, { recursive: true });
      const pages = contexts.flatMap((context) => context.pages());
      for (const [n, page] of pages.entries()) await page.screenshot({ path: join(folder, `${name}-${n}.png`) }).catch(() => {});
    },
    async end() {
      await browser.close();
      await demo.end();
    },
  };
}

/** A browser that trusts the demo's CA, as `seaway trust` tells people to have it. */
async function trusting(demo) {
  mkdirSync(storeOf(demo), { recursive: true });
  certutil(demo, "-N", "--empty-password");
  trust(demo, "seaway-demo", join(demo.folder, "tls/ca.pem"));
  return openBrowser({ env: { ...process.env, HOME: demo.home } });
}

const storeOf = (demo) => join(demo.home, ".pki/nssdb");
const certutil = (demo, ...args) => execFileSync("certutil", ["-d", `sql:${storeOf(demo)}`, ...args], { stdio: "pipe" });
const trust = (demo, name, ca) => certutil(demo, "-A", "-t", "C,,", "-n", name, "-i", ca);
