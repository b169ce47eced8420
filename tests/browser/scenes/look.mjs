// How it looks: on a phone, to axe, in both themes.
import assert from "node:assert/strict";
import { onBoard } from "../../../ui/test/browser/on-page.mjs";

export default {
  async "on a phone nothing sticks out"({ signIn }) {
    const page = await signIn({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await onBoard(page);
    for (const path of ["", "/what-is-where", "/activity", "/settings"]) {
      await page.goto(new URL(`/p/bank${path}`, page.url()).href);
      await page.waitForSelector("main section, main ul");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} sticks out`);
    }
  },

  async "axe finds nothing serious on any page, in both themes, wide and phone"({ signIn, demo, axe }) {
    const names = async (kind) => JSON.parse(await demo.seaway("get", kind, "-o", "json")).items.map((one) => one.metadata.name);
    const [[freight], [promotion]] = [await names("freight"), await names("promotions")];
    const paths = ["", "/what-is-where", "/activity", "/settings", "?stage=prod-eu", `?freight=${freight}`, "?warehouse=images"];
    paths.push(`?promotion=${promotion}`, `?plan=prod-eu&with=${freight}`);
    const found = [];
    for (const options of [{ colorScheme: "light" }, { colorScheme: "dark", viewport: { width: 390, height: 844 } }]) {
      const page = await signIn(options);
      await onBoard(page);
      for (const path of paths) {
        await page.goto(`${demo.url}/p/bank${path}`);
        await page.waitForSelector("[data-nav], main h1");
        await page.waitForLoadState("networkidle", { timeout: 400 }).catch(() => {});
        found.push(...(await axe(page, `${path} ${options.colorScheme}`)));
      }
      const stranger = await signIn({ user: null, ...options });
      await stranger.waitForSelector("form");
      found.push(...(await axe(stranger, `sign-in ${options.colorScheme}`)));
    }
    assert.deepEqual(found, []);
  },
};
