// A browser for tests, and what no page may do in it: a console error, a violation of the CSP or a request to elsewhere is a fault.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export async function openBrowser(options = {}) {
  if (!existsSync(CHROMIUM)) throw new Error(`no browser at ${CHROMIUM}: apt-get install chromium, or say CHROMIUM=PATH`);
  return chromium.launch({ executablePath: CHROMIUM, args: ["--headless=new", "--no-sandbox"], ...options });
}

/** Writes what goes wrong on `page`, which belongs to `url`, into `faults`. */
export async function guard(page, url, faults) {
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`),
    ),
  );
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // The browser itself tells of every lost connection and every refusal; whether the page does, the tests look at.
    if (message.type() === "error" && !/ERR_(CONNECTION|EMPTY|INCOMPLETE|HTTP2)|status of 4\d\d/.test(message.text()))
      faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("blob:")) faults.push(`asked another origin: ${request.url()}`);
  });
}
