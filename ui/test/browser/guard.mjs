// A browser for tests, and what no page may do in it: a console error, a violation of the CSP or a request to elsewhere is a fault.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export async function openBrowser(options = {}) {
  if (!existsSync(CHROMIUM)) throw new Error(`no browser at ${CHROMIUM}: apt-get install chromium, or say CHROMIUM=PATH`);
  return chromium.launch({ executablePath: CHROMIUM, args: ["--headless=new", "--no-sandbox"], ...options });
}

/** The browser itself tells of every lost connection and every refusal; where no scene says which it means, none of them is a fault. */
const isOfTheNetwork = (text) => /ERR_(CONNECTION|EMPTY|INCOMPLETE|HTTP2)|status of 4\d\d/.test(text);

/** What the browser says of an answer with this status. */
export const refusal = (status, path) => `Failed to load resource: the server responded with a status of ${status} () ${path}`;
/** What it says of a request that got none. */
export const unanswered = (error, path) => `Failed to load resource: net::${error} ${path}`;

/** Writes what goes wrong on `page`, which belongs to `url`, into `faults`; a console error that is expected is none. */
export async function guard(page, url, faults, isExpected = isOfTheNetwork) {
  const { origin } = new URL(url);
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`),
    ),
  );
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    const from = message.location().url;
    // What could not be loaded is named beside the text.
    const isLoad = message.text().startsWith("Failed to load") && URL.canParse(from);
    const text = isLoad ? `${message.text()} ${new URL(from).pathname}` : message.text();
    if (!isExpected(text)) faults.push(text);
  });
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.origin !== origin && to.protocol !== "about:") faults.push(`asked another origin: ${request.url()}`);
  });
}
