// A browser and a mock server for the tests: the page's own CSP in force; a console error or a violation fails the test.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { MockServer } from "../mock-server/server.mjs";
import { World } from "../mock-server/world.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export async function openBrowser() {
  if (!existsSync(CHROMIUM)) throw new Error(`no browser at ${CHROMIUM}: apt-get install chromium, or say CHROMIUM=PATH`);
  return chromium.launch({ executablePath: CHROMIUM, args: ["--headless=new", "--no-sandbox"] });
}

/** A fresh world, served; `signIn` gives a page of a user of its own. */
export async function begin(browser, { pace = 0.25, make = (options) => new World(options) } = {}) {
  const world = make({ pace });
  const server = new MockServer(world);
  const url = await server.start();
  const contexts = [];
  const faults = [];
  let nLinks = 0;
  return {
    world,
    server,
    url,
    faults,
    async signIn({ user = "bob", path = "/p/bank", watch, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      contexts.push(context);
      const page = await context.newPage();
      await page.addInitScript(() =>
        document.addEventListener("securitypolicyviolation", (event) =>
          console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`),
        ),
      );
      if (watch) await page.addInitScript(watch);
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error" && !/ERR_(CONNECTION|EMPTY|INCOMPLETE)|status of 4\d\d/.test(message.text()))
          faults.push(message.text());
      });
      page.on("request", (request) => {
        if (!request.url().startsWith(url) && !request.url().startsWith("blob:")) faults.push(`asked another origin: ${request.url()}`);
      });
      if (user) server.links.set(`link${(nLinks += 1)}`, user);
      await page.goto(`${url}${path}${user ? `#link=link${nLinks}` : ""}`);
      return page;
    },
    async end() {
      for (const context of contexts) await context.close();
      world.end();
      await server.kill();
    },
  };
}
