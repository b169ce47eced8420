// The real demo on free ports in a folder of its own, and what people do to it from outside the page.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = process.env.SEAWAY ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/seaway");
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

  push(image, { bad = false } = {}) {
    return this.seaway("demo", "push", image, ...(bad ? ["--bad"] : []));
  }

  /** A one-time link of somebody's, made as they would: signed in by password. */
  async linkOf(user) {
    const origin = { origin: this.url, "content-type": "application/json" };
    const signedIn = await this.ask("POST", "/session", { user: `${user}`, password: this.passwords[user] }, origin);
    const cookie = signedIn.headers["set-cookie"]?.[0]?.split(";")[0];
    if (!cookie) throw new Error(`${user} cannot sign in: ${signedIn.status} ${signedIn.text}`);
    const made = await this.ask("POST", "/links", {}, { ...origin, cookie });
    return JSON.parse(made.text).url;
  }

  /** A bearer token of somebody's. */
  async tokenOf(user) {
    const origin = { origin: this.url, "content-type": "application/json" };
    const signedIn = await this.ask("POST", "/session", { user, password: this.passwords[user] }, origin);
    const cookie = signedIn.headers["set-cookie"][0].split(";")[0];
    const made = await this.ask("POST", "/tokens", { name: "browser tests", expiresIn: 3600 }, { ...origin, cookie });
    return JSON.parse(made.text).token;
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

  /** Kills the control plane and keeps the supervisor from starting it again until `back` is called. */
  kill() {
    const { pid } = JSON.parse(readFileSync(join(this.folder, "server.json"), "utf8"));
    process.kill(this.child.pid, "SIGSTOP");
    process.kill(pid, "SIGKILL");
    return { back: () => process.kill(this.child.pid, "SIGCONT") };
  }

  log() {
    const path = join(this.folder, "serve.log");
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(-40).join("\n") : "";
  }

  async end() {
    if (this.child && this.child.exitCode === null) {
      this.child.kill("SIGCONT");
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
