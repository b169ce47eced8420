// What takes longer than a page: promotions, on a machine that has other things to do.
import { stage } from "../../ui/test/browser/on-page.mjs";

const PROMOTED_WITHIN_MS = 60_000;

/** Waits until the stage has the version: not until it is on its way there. */
export const arrives = (page, name, version) =>
  stage(page, name)
    .filter({ has: page.locator(`[class*="hero"]`, { hasText: new RegExp(`^${version.replaceAll(".", "\\.")}$`) }) })
    .first()
    .waitFor({ timeout: PROMOTED_WITHIN_MS });

/** Waits until the stage says so, in whatever words. */
export const says = (page, name, words) => stage(page, name).filter({ hasText: words }).first().waitFor({ timeout: PROMOTED_WITHIN_MS });

/** Waits until the promotion whose panel is open is over and well. */
export const succeeds = (page) =>
  page.locator("[data-panel=promotion]").getByText("succeeded").first().waitFor({ timeout: PROMOTED_WITHIN_MS });
