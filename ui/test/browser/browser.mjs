// A browser and a mock server for the tests: the page's own CSP in force; a console error or a violation fails the test.
import { MockServer } from "../mock-server/server.mjs";
import { World } from "../mock-server/world.mjs";
import { guard, openBrowser } from "./guard.mjs";

export { openBrowser };

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
      await guard(page, url, faults);
      if (watch) await page.addInitScript(watch);
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
