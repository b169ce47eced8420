// The other pages and panels, one scene each.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { refusal } from "../../../ui/test/browser/guard.mjs";
import { card, onBoard, stage } from "../../../ui/test/browser/on-page.mjs";
import { says } from "../waits.mjs";

/** The fields of a CSV file, as a spreadsheet reads it (RFC 4180). */
function rowsOf(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n)/g)) {
    rows.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ",") rows.push([]);
  }
  return rows.slice(0, -1);
}

const STAGES = ["qa", "e2e", "staging", "prod-eu", "prod-us"];

export default {
  async "a warehouse says what it watches and when it looked, and looks when asked"({ signIn, demo }) {
    const page = await signIn({ path: "/p/bank?warehouse=images" });
    const panel = page.locator("[data-panel=warehouse]");
    for (const words of ["fund-transfer", "^1.0.0", "account-info", "^2.0.0"]) await panel.getByText(words).first().waitFor();
    const last = async () => (await demo.list("warehouses"))[0].status.lastHandledRefresh ?? "";
    const before = await last();
    const looked = panel.getByRole("term").filter({ hasText: "last" }).locator("xpath=following-sibling::*[1]").locator("time");
    const at = await looked.getAttribute("datetime");
    await panel.getByRole("button", { name: "Look now" }).click();
    await page.waitForFunction(
      ([element, old]) => element.isConnected && element.getAttribute("datetime") !== old,
      [await looked.elementHandle(), at],
    );
    await panel.getByRole("button", { name: "Look now" }).waitFor();
    assert.notEqual(await last(), before);
  },

  async "freight says where it is, how it differs, and is let in without its upstream"({ signIn, demo }) {
    const page = await signIn();
    await onBoard(page);
    await card(page, "1.5.2").click();
    const panel = page.locator("[data-panel=freight]");
    await panel.getByText("account-info").first().waitFor();
    await panel.getByLabel("from").selectOption({ label: await labelWith(panel.getByLabel("from"), "1.4.8") });
    const changed = panel.getByRole("listitem").filter({ hasText: "fund-transfer" });
    await changed.getByText("1.4.8").waitFor();
    await changed.getByText("1.5.2").waitFor();
    assert.match(page.url(), /against=/);
    await panel.getByLabel("Let it in without its upstream").selectOption("prod-eu");
    await panel.getByRole("button", { name: "Approve for prod-eu" }).click();
    await panel.getByText("It was not good upstream of prod-eu.").waitFor();
    await panel.getByRole("button", { name: "Approve for prod-eu" }).click();
    await panel.getByText("approved for", { exact: true }).waitFor();
    await panel.getByRole("button", { name: "Plan prod-eu" }).waitFor();
    const freight = (await demo.list("freight")).find((one) => one.images.some((image) => image.tag === "1.5.2"));
    assert.deepEqual(Object.keys(freight.status.approvedFor), ["prod-eu"]);
    await page.goto(`${demo.url}/p/bank/activity?actor=bob`);
    await page.getByRole("row", { name: /FreightApproved.*1\.5\.2/ }).waitFor();
  },

  async "freight of a git repository says which commits lie between, as git tells them"({ signIn, demo }) {
    const kargo = (kind, metadata, more) => demo.apply({ apiVersion: "kargo.akuity.io/v1alpha1", kind, metadata, ...more });
    const here = (name) => ({ name, namespace: "code" });
    await kargo("Project", { name: "code" });
    await kargo("Warehouse", here("code"), { spec: { interval: "1h", subscriptions: [{ git: { repoURL: demo.git, branch: "main" } }] } });
    const page = await signIn({ user: "admin", path: "/p/code" });
    const rows = page.locator("[data-nav=freight]");
    await rows.first().waitFor();
    for (const subject of ["a word for prod-us", "and one more"])
      await demo.commit("overlays/prod-us/kustomization.yaml", (text) => `${text}# ${subject}\n`, subject);
    await demo.seaway("refresh", "warehouse/code", "-p", "code");
    await rows.nth(1).waitFor();
    const all = JSON.parse(await demo.seaway("get", "freight", "-p", "code", "-o", "json")).items;
    const newest = all.find((one) => one.commits[0].message.startsWith("and one more"));
    const [told] = await Promise.all([
      page.waitForResponse((response) => response.url().includes("/difference/")),
      page.goto(`${demo.url}/p/code?freight=${newest.metadata.name}`),
    ]);
    const [{ commits, truncated, note }] = (await told.json()).artifacts;
    const subjects = commits.map((one) => one.subject);
    assert.deepEqual([subjects, truncated, note], [["and one more", "a word for prod-us"], false, undefined]);
    const panel = page.locator("[data-panel=freight]");
    for (const subject of subjects) await panel.getByRole("listitem").filter({ hasText: subject }).getByText("Carol").first().waitFor();
    await demo.seaway("delete", "project", "code");
  },

  async "what is where: every service in every stage, and a push moves it"({ signIn, demo }) {
    const page = await signIn({ path: "/p/bank/what-is-where" });
    await page.getByRole("heading", { name: "What is where" }).waitFor();
    const rows = page.getByRole("region", { name: "services by stages of bank" }).getByRole("row");
    // By its head: what a stage waits for or failed with may be about another service.
    const of = (service) => rows.filter({ has: page.getByRole("rowheader", { name: service, exact: true }) });
    await of("fund-transfer").waitFor();
    assert.deepEqual(await rows.first().getByRole("columnheader").allTextContents(), ["service", ...STAGES]);
    for (const service of ["account-info", "fund-transfer"]) {
      const cells = await of(service).getByRole("cell").allTextContents();
      const stages = await demo.list("stages");
      for (const [n, name] of STAGES.entries()) {
        const { status } = stages.find((one) => one.metadata.name === name);
        const images = Object.values(status.freightHistory[0].items).flatMap((one) => one.images);
        const { tag } = images.find((one) => one.repoURL.endsWith(`/${service}`));
        assert.ok(cells[n].startsWith(tag), `${service} in ${name}: ${cells[n]}, not ${tag}`);
      }
    }
    await demo.push("account-info:2.4.0");
    await of("account-info").getByRole("cell").filter({ hasText: "2.4.0" }).nth(2).waitFor({ timeout: 60_000 });
    await page.getByLabel("filter services, stages, versions and states").fill("account");
    await of("fund-transfer").waitFor({ state: "detached" });
    await of("account-info").getByRole("link").first().click();
    await page.locator("[data-panel=stage]").getByText("qa", { exact: true }).first().waitFor();
  },

  async "the palette finds a stage, freight by its version, a promotion and a page"({ signIn }) {
    const page = await signIn();
    await onBoard(page);
    const find = async (words, option) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox", { name: "Search" }).fill(words);
      await page.getByRole("option", { name: option }).first().click();
    };
    await find("prod-us", /^stage prod-us/);
    await page.locator("[data-panel=stage]").getByText("prod-us", { exact: true }).first().waitFor();
    await find("1.5.1", /^freight fund-transfer 1\.5\.1/);
    await page.locator("[data-panel=freight]").getByText("fund-transfer 1.5.1").first().waitFor();
    await find("into prod-us", /^promotion .* into prod-us/);
    await page.locator("[data-panel=promotion]").getByText("promote::push", { exact: true }).waitFor();
    await find("what is where", /what is where/i);
    await page.getByRole("heading", { name: "What is where" }).waitFor();
  },

  async "activity is filtered in the URL and saved whole as CSV"({ signIn, demo }) {
    const page = await signIn({ path: "/p/bank/activity?actor=bob&kind=Promotion" });
    await page.getByRole("row", { name: /bob/ }).first().waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    const text = readFileSync(await file.path(), "utf8");
    const [head, ...rows] = rowsOf(text);
    assert.equal(head.join(), "at,actor,reason,kind,name,stage,freight,version,message");
    assert.ok(rows.length > 0 && rows.every(([, actor, , kind]) => actor === "bob" && kind === "Promotion"), text);
    const { items } = JSON.parse((await demo.as("bob", "GET", "/projects/bank/activity?actor=bob&kind=Promotion&limit=200")).text);
    assert.equal(rows.length, items.length);
    const told = items.map((item) => [item.stage, item.freight, item.version].join("|"));
    assert.deepEqual(rows.map((row) => row.slice(5, 8).join("|")).sort(), told.sort());
    assert.ok(items.every((item) => STAGES.includes(item.stage) && /fund-transfer|account-info/.test(item.version)));
    const who = page.getByLabel("only what this person did");
    await who.fill("");
    await page.getByLabel("only this kind").selectOption("Stage");
    await page.getByRole("row", { name: /Created.*stage qa/ }).waitFor();
    await page.getByLabel("only this kind").selectOption("Warehouse");
    await page.getByRole("row", { name: /Created.*warehouse images/ }).waitFor();
    await page.getByLabel("only this kind").selectOption("");
    await who.pressSequentially("controller:s");
    await page.waitForURL((url) => url.searchParams.get("actor") === "controller:s");
    await page.waitForFunction(() =>
      [...document.querySelectorAll("tbody tr")].every((row) => row.cells[1].textContent === "controller:stages"),
    );
    await page.getByRole("button", { name: "everything" }).click();
    await page
      .getByRole("row", { name: /controller:/ })
      .first()
      .waitFor();
    assert.equal(new URL(page.url()).search, "");
  },

  async "a first project says what it lacks; two images are both told, and fit a phone"({ signIn, demo, picture }) {
    const page = await signIn({ user: "admin" });
    await onBoard(page);
    const kargo = (kind, name, spec, namespace) => ({
      apiVersion: "kargo.akuity.io/v1alpha1",
      kind,
      metadata: namespace ? { name, namespace } : { name },
      ...(spec ? { spec } : {}),
    });
    await demo.apply(kargo("Project", "first"));
    await page.goto(`${demo.url}/p/first`);
    await page.getByText("no warehouse, no stage").waitFor();
    const [{ spec }] = await demo.list("warehouses");
    await demo.apply(kargo("Warehouse", "both", spec, "first"));
    await page.locator("[data-nav=freight]").waitFor();
    await page.getByText("No stage yet").waitFor();
    const steps = [{ uses: "compose-output", as: "said", config: { what: "nothing" } }];
    const requestedFreight = [{ origin: { kind: "Warehouse", name: "both" }, sources: { direct: true } }];
    await demo.apply(kargo("Stage", "dev", { requestedFreight, promotionTemplate: { spec: { steps } } }, "first"));
    await stage(page, "dev").waitFor();
    await page.getByText("No stage yet").waitFor({ state: "detached" });
    const [{ version }] = JSON.parse(await demo.seaway("get", "freight", "-p", "first", "-o", "json")).items.map((one) => ({
      version: one.images.find((image) => image.repoURL.endsWith("/fund-transfer")).tag,
    }));
    await demo.seaway("promote", "dev", "--freight", version, "-p", "first", "--wait");
    await page
      .getByRole("row", { name: /fund-transfer .+, account-info .+/ })
      .getByText("succeeded")
      .waitFor();
    await picture(page, "first", async (where) => {
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${where} sticks out`);
    });
    await demo.seaway("delete", "project", "first");
  },

  async "the status page needs no script, and no session only where that was switched on"({ signIn, demo, expects, picture }) {
    expects(refusal(401, "/status"));
    const board = await signIn();
    await demo.push("fund-transfer:1.5.5", { bad: true });
    await says(board, "e2e", "git has 1.5.5");
    const page = await signIn({ user: null, path: "/status", javaScriptEnabled: false });
    await page.getByText("This page is for who is signed in.").waitFor();
    assert.equal(await page.getByRole("table").count(), 0);
    const [name, value] = (await demo.cookieOf("eve")).split("=");
    await page.context().addCookies([{ name, value, url: demo.url, secure: true, httpOnly: true, sameSite: "Strict" }]);
    await page.goto(`${demo.url}/status`);
    await page.getByRole("row").nth(1).waitFor();
    assert.deepEqual(await page.getByRole("rowheader").allTextContents(), STAGES);
    await page.getByRole("row", { name: /e2e/ }).getByText("failed").waitFor();
    await picture(page, "status");
  },

  async "on a phone nothing sticks out, and a plan can be read"({ signIn, demo }) {
    const page = await signIn({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await onBoard(page);
    const freight = await demo.freight("1.5.3");
    const views = [
      "",
      "/what-is-where",
      "/activity",
      "/resources/stages",
      "/settings",
      "?stage=e2e",
      "?warehouse=images",
      `?freight=${freight}`,
    ];
    for (const view of [...views, `?plan=prod-eu&with=${freight}`]) {
      await page.goto(`${demo.url}/p/bank${view}`);
      await page.waitForSelector("main section, main ul", { state: "attached" });
      if (view.includes("plan")) await page.getByRole("button", { name: /^Promote prod-eu to/ }).waitFor();
      else if (view.startsWith("?")) await page.locator("[data-panel]").waitFor();
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} sticks out`);
    }
    await page.getByText(/prod-eu goes from .+ to .*1\.5\.3/).waitFor();
    await page.getByText("newTag: 1.5.3").first().waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await stage(page, "prod-eu").waitFor();
  },
};

/** The words of the choice that has these in it. */
async function labelWith(select, words) {
  const all = await select.locator("option").allTextContents();
  return all.find((one) => one.includes(words));
}
