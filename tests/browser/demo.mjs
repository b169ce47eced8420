// The real demo on free ports in a folder of its own, and what people do to it from outside the page.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const PROGRAM = process.env.SEAWAY ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/seaway");
/** From nothing to 1.5.0 in staging. */
const UP_WITHIN_MS = 120_000;

export class Demo {
  /** Starts it; it is up when its banner has ended. */
  static async start() {
    if (!existsSync(PROGRAM)) throw new Error(`no program at ${PROGRAM}: make build, or say SEAWAY=PATH`);
    const home = mkdtempSync(join(tmpdir(), "seaway-browser-"));
    const demo = new Demo(home);
    try {
      await demo.#up();
    } catch (error) {
      await demo.end();
      throw error;
    }
    return demo;
  }

  constructor(home) {
    this.home = home;
    this.folder = join(home, "demo");
    this.lines = [];
    this.cookies = new Map();
    this.env = { ...process.env, HOME: home, SEAWAY_DATA: "", KUBECONFIG: "", XDG_STATE_HOME: "" };
  }

  async #up() {
    this.child = spawn(PROGRAM, ["demo", "--quick", "--data", this.folder], { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    const said = [];
    this.child.stderr.on("data", (data) => said.push(data));
    this.ended = new Promise((resolve) => this.child.once("exit", resolve));
    const reader = createInterface({ input: this.child.stdout });
    const up = new Promise((resolve) =>
      reader.on("line", (line) => {
        this.lines.push(line);
        if (line.includes("Ctrl-C stops it")) resolve("up");
      }),
    );
    const first = await Promise.race([up, this.ended, after(UP_WITHIN_MS)]);
    if (first !== "up") throw new Error(`the demo did not come up:\n${this.lines.join("\n")}\n${Buffer.concat(said)}\n${this.log()}`);
    this.link = this.lines.map((line) => /^ +open +(https:\S+)/.exec(line)?.[1]).find(Boolean);
    this.url = new URL(this.link).origin;
    this.passwords = JSON.parse(readFileSync(join(this.folder, "people.json"), "utf8"));
    this.git = this.lines.map((line) => /git (http:\S+)/.exec(line)?.[1]).find(Boolean);
  }

  /** A command of `seaway`, as the admin of the folder. */
  async seaway(...args) {
    const { stdout } = await run(PROGRAM, [...args, "--data", this.folder], { env: this.env });
    return stdout;
  }

  /** The objects of a kind, as the admin reads them. */
  async list(kind) {
    return JSON.parse(await this.seaway("get", kind, "-o", "json")).items;
  }

  /** The name of the freight with this version of fund-transfer. */
  async freight(version) {
    const found = (await this.list("freight")).find((one) => one.images.some((image) => image.tag === version));
    if (!found) throw new Error(`no freight has ${version}`);
    return found.metadata.name;
  }

  /** A new password, made up by the control plane; with it, every session of theirs ends. */
  async newPassword(user) {
    this.#keep(user, await this.seaway("user", "passwd", user, "--generate"));
  }

  /** One more user, who may do what `role` says. */
  async addUser(user, role) {
    this.#keep(user, await this.seaway("user", "add", user, "--generate"));
    const group = "rbac.authorization.k8s.io";
    await this.apply({
      apiVersion: `${group}/v1`,
      kind: "RoleBinding",
      metadata: { name: user, namespace: "bank" },
      roleRef: { apiGroup: group, kind: "Role", name: role },
      subjects: [{ apiGroup: group, kind: "User", name: `user:${user}` }],
    });
  }

  /** Applies one object, as the admin. */
  async apply(object) {
    const file = join(this.home, `${object.kind}-${object.metadata.name}.json`);
    writeFileSync(file, JSON.stringify(object), { mode: 0o600 });
    await this.seaway("apply", "-f", file);
  }

  #keep(user, said) {
    this.passwords[user] = /^password +(\S+)/m.exec(said)[1];
    this.cookies.delete(user);
  }

  push(image, { bad = false } = {}) {
    return this.seaway("demo", "push", image, ...(bad ? ["--bad"] : []));
  }

  /** A one-time link of somebody's, made as they would: signed in by password; the admin's is made by `seaway open`. */
  async linkOf(user) {
    if (user === "admin") return /(https:\S+)/.exec(await this.seaway("open", "--print"))[1];
    return JSON.parse((await this.as(user, "POST", "/links", {})).text).url;
  }

  /** A bearer token of somebody's. */
  async tokenOf(user) {
    return JSON.parse((await this.as(user, "POST", "/tokens", { name: "browser tests", expiresIn: 3600 })).text).token;
  }

  /** The cookie of a session begun by password: one for all that asks in this name, as long as it lasts. */
  async cookieOf(user) {
    const known = this.cookies.get(user);
    if (known) return known;
    const headers = { origin: this.url, "content-type": "application/json" };
    const signedIn = await this.ask("POST", "/session", { user, password: this.passwords[user] }, headers);
    const cookie = signedIn.headers["set-cookie"]?.[0]?.split(";")[0];
    if (!cookie) throw new Error(`${user} cannot sign in: ${signedIn.status} ${signedIn.text}`);
    this.cookies.set(user, cookie);
    return cookie;
  }

  /** Asks in somebody's name. */
  async as(user, method, path, body) {
    const headers = { origin: this.url, "content-type": "application/json" };
    const answer = await this.ask(method, path, body, { ...headers, cookie: await this.cookieOf(user) });
    if (answer.status >= 300) throw new Error(`${user}: ${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  }

  /** Asks `/seaway/v1` (or another path that begins with `//`) with nothing but these headers, trusting the folder's CA. */
  async ask(method, path, body, headers = {}) {
    const { request } = await import("node:https");
    const ca = readFileSync(join(this.folder, "tls/ca.pem"));
    const url = path.startsWith("//") ? `${this.url}${path.slice(1)}` : `${this.url}/seaway/v1${path}`;
    return new Promise((resolve, reject) => {
      const asked = request(url, { method, ca, headers, agent: false }, (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
        answer.on("error", reject);
      });
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Somebody else's commit on main of the bank's repository. */
  async commit(path, change, message) {
    const clone = mkdtempSync(join(this.home, "clone-"));
    const git = (...args) =>
      run("git", ["-c", "user.name=Carol", "-c", "user.email=carol@example.com", "-C", clone, ...args], { env: this.env });
    await git("clone", "--quiet", this.git, ".");
    const file = join(clone, path);
    writeFileSync(file, change(readFileSync(file, "utf8")));
    await git("commit", "--quiet", "--all", "--message", message);
    // The control plane writes to the same branch: who comes second puts theirs on top.
    for (let tries = 1; ; tries += 1) {
      const pushed = await git("push", "--quiet", "origin", "HEAD:main").catch((error) => error);
      if (!(pushed instanceof Error)) break;
      if (tries === 5) throw pushed;
      await git("pull", "--quiet", "--rebase", "origin", "main");
    }
    rmSync(clone, { recursive: true });
  }

  /** The commit of a promotion, as git has it on main: what it changed, and what stands under its message. */
  async commitOf(promotion) {
    const git = await this.#main();
    const ids = (await git("log", "--format=%H", "--fixed-strings", `--grep=Promotion-Id: bank/${promotion}`, "origin/main")).trim();
    const commits = ids === "" ? [] : ids.split("\n");
    if (commits.length !== 1) throw new Error(`main has ${commits.length} commits of ${promotion}`);
    const show = (...args) => git("show", "--no-ext-diff", ...args, commits[0]);
    const trailers = (await show("--no-patch", "--format=%(trailers:only,unfold)")).trim().split("\n");
    return {
      files: (await show("--format=", "--name-only")).trim().split("\n"),
      diff: await show("--format="),
      trailers: Object.fromEntries(trailers.map((line) => line.split(": "))),
    };
  }

  /** How many commits of main changed this path. */
  async changes(path) {
    return Number(await (await this.#main())("rev-list", "--count", "origin/main", "--", path));
  }

  async #main() {
    const clone = join(this.home, "main");
    const git = async (...args) => (await run("git", ["-C", clone, ...args], { env: this.env })).stdout;
    if (!existsSync(clone)) await run("git", ["clone", "--quiet", this.git, clone], { env: this.env });
    await git("fetch", "--quiet", "origin", "main");
    return git;
  }

  /** Kills the control plane; the next one, which the supervisor starts within a second, is held at its beginning until `back` is called. */
  async kill() {
    const { pid } = JSON.parse(readFileSync(join(this.folder, "server.json"), "utf8"));
    process.kill(pid, "SIGKILL");
    this.held = await until("the supervisor starts another control plane", () =>
      childrenOf(this.child.pid).find((one) => one !== pid && commandOf(one).includes("serve")),
    );
    process.kill(this.held, "SIGSTOP");
    return { back: () => this.#release() };
  }

  #release() {
    if (this.held !== undefined) process.kill(this.held, "SIGCONT");
    this.held = undefined;
  }

  log() {
    const path = join(this.folder, "serve.log");
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(-40).join("\n") : "";
  }

  async end() {
    if (this.child && this.child.exitCode === null) {
      this.#release();
      this.child.kill("SIGTERM");
      if ((await Promise.race([this.ended, after(30_000)])) === "late") this.child.kill("SIGKILL");
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** `late` after so many milliseconds; it keeps nothing alive. */
function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms, "late").unref());
}

/** Looks until there is something; what was looked for goes into the error. */
async function until(what, look) {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`waited 20 s until ${what}`);
}

function childrenOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number));
}

/** Empty for a process that has ended. */
function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
