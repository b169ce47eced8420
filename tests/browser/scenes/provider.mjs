// The way in by a provider of another site: a real one on `localhost`, and a control plane of its own on `127.0.0.1`.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROGRAM } from "../demo.mjs";

const PROVIDER = fileURLToPath(new URL("../../oidc/provider.mjs", import.meta.url));
/** Nothing here takes so long to begin or to end. */
const SOON_MS = 30_000;

const RBAC = { apiGroup: "rbac.authorization.k8s.io" };
/** A project, and who of the provider's people may look at it. */
const LOOKED_AT = [
  { apiVersion: "kargo.akuity.io/v1alpha1", kind: "Project", metadata: { name: "harbour" } },
  {
    apiVersion: `${RBAC.apiGroup}/v1`,
    kind: "Role",
    metadata: { name: "looks", namespace: "harbour" },
    rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["get", "list", "watch"] }],
  },
  {
    apiVersion: `${RBAC.apiGroup}/v1`,
    kind: "RoleBinding",
    metadata: { name: "from-outside", namespace: "harbour" },
    roleRef: { ...RBAC, kind: "Role", name: "looks" },
    subjects: [{ ...RBAC, kind: "Group", name: "oidc:devops" }],
  },
];

/** A program that runs until `end`, and every line that it says. */
class Running {
  constructor(program, args, options) {
    this.child = spawn(program, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    this.said = [];
    this.waits = new Set();
    this.ended = new Promise((resolve) => this.child.once("close", resolve).once("error", resolve));
    for (const stream of [this.child.stdout, this.child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        this.said.push(line);
        for (const wait of this.waits) wait();
      });
  }

  /** The first line like this, said already or to come. */
  async line(like) {
    let look;
    const found = new Promise((resolve) => {
      look = () => {
        const line = this.said.find((one) => like.test(one));
        if (line !== undefined) resolve(line);
      };
      this.waits.add(look);
      look();
    });
    const line = await Promise.race([found, this.ended.then(() => null), late()]);
    this.waits.delete(look);
    if (typeof line !== "string") throw new Error(`never said ${like}:\n${this.said.join("\n")}`);
    return line;
  }

  /** It stops when it is asked to, or is killed. */
  async end() {
    this.child.kill("SIGTERM");
    if ((await Promise.race([this.ended.then(() => "ended"), late()])) !== "ended") this.child.kill("SIGKILL");
  }
}

/** Nothing, after so long; it keeps nothing alive. */
function late() {
  return new Promise((resolve) => setTimeout(resolve, SOON_MS).unref());
}

/** A line for `tests/run`, which counts what ran against real parts. */
function tell(line) {
  console.log(`        ${line}`);
  if (process.env.SEAWAY_REAL_PARTS_LOG) appendFileSync(process.env.SEAWAY_REAL_PARTS_LOG, `${line}\n`);
}

/** Plays with a provider and a control plane that knows it; both are ended after it, whatever became of it. */
async function withProvider(play) {
  if (!existsSync(new URL("../../oidc/node_modules/oidc-provider", import.meta.url)))
    return tell("skipped oidc-provider not installed; run `make parts`");
  const home = mkdtempSync(join(tmpdir(), "seaway-provider-"));
  const data = join(home, "data");
  const provider = new Running(process.execPath, [PROVIDER]);
  const running = [provider];
  try {
    const issuer = (await provider.line(/^ready /)).split(" ")[1];
    const secret = join(home, "secret");
    writeFileSync(secret, "seaway-secret-of-the-tests\n", { mode: 0o600 });
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      SEAWAY_OIDC_ISSUER: issuer,
      SEAWAY_OIDC_CLIENT_SECRET_FILE: secret,
      SEAWAY_OIDC_NAME: "Corp",
    };
    const plane = new Running(PROGRAM, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { env });
    running.push(plane);
    const url = (await plane.line(/^ready /)).split(/ +/)[1];
    const changed = await fetch(`${issuer}/test`, {
      method: "POST",
      body: JSON.stringify({ redirectURIs: [`${url}/seaway/v1/oidc/callback`] }),
    });
    assert.equal(changed.status, 204);
    assert.deepEqual([new URL(issuer).hostname, new URL(url).hostname], ["localhost", "127.0.0.1"]);
    const apply = async (object) => {
      const file = join(home, `${object.kind}.json`);
      writeFileSync(file, JSON.stringify(object));
      await promisify(execFile)(PROGRAM, ["apply", "-f", file, "--data", data], { env });
    };
    await play({ issuer, url, ca: join(data, "tls/ca.pem"), plane, apply });
    tell("real oidc-provider page in Chromium, of another site");
  } finally {
    for (const one of running) await one.end();
    rmSync(home, { recursive: true, force: true });
  }
}

/** From the sign-in page to the provider's, which asks yet another site for its font, and gets none. */
async function toTheProvider(page, { issuer, url }) {
  await page.route(
    (to) => to.origin !== issuer && to.origin !== url,
    (route) => route.fulfill({ body: "", contentType: "text/css" }),
  );
  await page.goto(`${url}/p/harbour`);
  await page.getByRole("link", { name: "Sign in with Corp" }).click();
  await page.getByPlaceholder("Enter any login").waitFor();
  assert.equal(new URL(page.url()).origin, issuer);
}

/** A cookie's rules, behind its name without the hash of the data folder. */
const rules = ({ name, httpOnly, secure, sameSite, path, domain }) =>
  [name.replace(/-[^-]+$/, ""), httpOnly && "HttpOnly", secure && "Secure", sameSite, path, domain].join(" ");

const cookiesOf = async (page, url) => (await page.context().cookies(url)).filter(({ name }) => name.startsWith("__Host-"));

/** Only the page itself asks nobody else: what the browser asked on its way to the provider and there is no fault. */
function faultsOfThePage(faults, issuer) {
  const there = [issuer, "https://fonts.googleapis.com"];
  return faults.splice(0).filter((fault) => !there.some((site) => fault.startsWith(`asked another origin: ${site}/`)));
}

export default {
  async "a provider of another site signs in who signs in there, until they sign out"({ visit, faults }) {
    await withProvider(async (world) => {
      const { issuer, url, ca, apply } = world;
      for (const object of LOOKED_AT) await apply(object);
      const page = await visit(url, ca);
      await toTheProvider(page, world);
      assert.deepEqual((await cookiesOf(page, url)).map(rules), ["__Host-seaway-signin HttpOnly Secure Lax / 127.0.0.1"]);
      await page.getByPlaceholder("Enter any login").fill("carl");
      await page.getByPlaceholder("and password").fill("any");
      await page.getByRole("button", { name: "Sign-in" }).click();
      await page.getByRole("button", { name: "Continue" }).click();

      const who = page.locator("header").getByText("Carl Cargo");
      await who.waitFor();
      assert.equal(page.url(), `${url}/p/harbour`);
      assert.match(await who.getAttribute("title"), /^oidc:carl@example\.com: /);
      const session = await cookiesOf(page, url);
      assert.deepEqual(session.map(rules), ["__Host-seaway HttpOnly Secure Strict / 127.0.0.1"]);
      assert.deepEqual(faultsOfThePage(faults, issuer), []);

      await page.reload();
      await who.waitFor();
      assert.deepEqual(await cookiesOf(page, url), session);

      const user = async () => {
        const answer = await page.context().request.get(`${url}/seaway/v1/session`, { ignoreHTTPSErrors: true });
        return (await answer.json()).user;
      };
      assert.equal(await user(), "oidc:carl@example.com");
      await who.click();
      await page.getByText("the identity provider", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("link", { name: "Sign in with Corp" }).waitFor();
      assert.deepEqual(await cookiesOf(page, url), []);
      await page.context().addCookies(session);
      assert.equal(await user(), null, "the cookie of then is worth nothing");
    });
  },

  async "who is refused by the provider is told in the page's words, with the id that is in the log"({ visit, faults }) {
    await withProvider(async (world) => {
      const { issuer, url, ca, plane } = world;
      const page = await visit(url, ca);
      await toTheProvider(page, world);
      await page.getByRole("link", { name: "Cancel" }).click();
      const told = page.getByRole("alert");
      await told.getByText("signing in did not work: the provider says that you declined, or that you may not sign in here").waitFor();
      assert.equal(page.url(), `${url}/`, "the words are taken out of the URL");
      const [id] = /\b[0-9a-f]{16}\b/.exec(await told.innerText());
      await plane.line(new RegExp(`a sign-in was refused id="${id}" code="denied"`));
      assert.deepEqual(await cookiesOf(page, url), []);
      await page.getByRole("link", { name: "Sign in with Corp" }).waitFor();
      assert.deepEqual(faultsOfThePage(faults, issuer), []);
    });
  },
};
