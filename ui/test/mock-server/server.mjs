// A mock of `/seaway/v1` for working on the page: it serves the contract from a `World`, can be killed, and answers problems. Tests of Seaway itself do not use it.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { Accounts } from "./account.mjs";
import { Kubernetes } from "./kubernetes.mjs";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml" };
const ALL = ["qa", "e2e", "staging", "prod-eu", "prod-us"];
const USERS = () =>
  new Map([
    ["alice", { name: "Alice", password: "alice", promote: ALL.slice(0, 3), groups: ["developers"] }],
    ["bob", { name: "Bob", password: "bob", promote: ["*"], groups: ["promoters"] }],
    ["eve", { name: "Eve", password: "eve", promote: [], groups: ["viewers"] }],
  ]);

export class MockServer {
  constructor(world, { port = 0, heartbeatMs = 10_000 } = {}) {
    Object.assign(this, {
      world,
      port,
      heartbeatMs,
      sessions: new Map(),
      projects: ["bank"],
      links: new Map([["demo", "bob"]]),
      problems: [],
      users: USERS(),
      accounts: new Accounts(),
      kubernetes: new Kubernetes(world),
      offers: { methods: ["password"], oidc: null },
      sockets: new Set(),
      tellRights: new Set(),
      epoch: 0,
      requests: [],
    });
  }

  async start() {
    this.epoch += 1;
    this.server = createServer((request, response) =>
      this.answer(request, response).catch((error) => this.problem(response, 500, "bug", String(error.stack))),
    );
    this.server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    await new Promise((resolve) => this.server.listen(this.port, "127.0.0.1", resolve));
    this.port = this.server.address().port;
    return `http://127.0.0.1:${this.port}`;
  }

  /** As if killed: every connection breaks at once. */
  async kill() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
    this.world.listeners.clear();
  }

  problem(response, status, type, detail, hint = "") {
    response.writeHead(status, { "content-type": "application/problem+json" });
    response.end(
      JSON.stringify({
        type: `https://seaway.dev/problems/${type}`,
        title: type,
        status,
        detail,
        hint,
        id: randomBytes(4).toString("hex"),
      }),
    );
  }

  json(response, value, status = 200) {
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(value === undefined ? "" : JSON.stringify(value));
  }

  async answer(request, response) {
    const url = new URL(request.url, "http://mock");
    this.requests.push(`${request.method} ${url.pathname}`);
    const parts = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
    if (parts[0] === "mock") return this.control(parts[1], url.searchParams, response);
    const isKubernetes = ["api", "apis"].includes(parts[0]);
    if (parts[0] !== "seaway" && !isKubernetes) return this.file(url.pathname, response);
    const body = ["POST", "PUT"].includes(request.method) ? JSON.parse((await text(request)) || "{}") : {};
    const injected = this.problems.findIndex((one) => url.pathname.endsWith(one.path));
    if (injected >= 0) {
      const [one] = this.problems.splice(injected, 1);
      return this.problem(response, one.status, one.type, one.detail, one.hint);
    }
    if (parts[2] === "session") return this.session(request, response, body);
    const session = /seaway-mock=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
    const user = this.sessions.get(session);
    if (!user)
      return this.problem(
        response,
        401,
        "not-authenticated",
        "no session, or it has ended",
        "sign in again, or `seaway open` for a new link",
      );
    if (parts[1] === "authorization.k8s.io") return this.json(response, this.accounts.review(user, this), 201);
    if (isKubernetes) {
      const [status, said, headers = {}] = this.kubernetes.answer(request.method, url, body, this.rightsOf(user).rights.write);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return this.json(response, said, status);
    }
    const account = this.accounts.answer(request.method, parts.slice(2), { body, user, server: this, session });
    if (account) return account[0] < 400 ? this.json(response, account[1], account[0]) : this.problem(response, ...account);
    const call = `${request.method} ${parts
      .slice(2)
      .map((part, index) => (parts[2] === "projects" && [1, 3, 5].includes(index) ? "*" : part))
      .join("/")}`;
    return this.call(call, parts, { body, user, url, request, response });
  }

  session(request, response, body) {
    const id = /seaway-mock=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
    if (request.method === "DELETE") {
      this.sessions.delete(id);
      return this.json(response, undefined, 204);
    }
    if (request.method === "GET") {
      const user = this.sessions.get(id);
      if (!user) return this.json(response, { user: null, ...this.offers });
      return this.json(response, {
        user: `user:${user}`,
        name: this.users.get(user).name,
        via: "link",
        expiresAt: new Date(Date.now() + 8 * 3_600_000).toISOString(),
      });
    }
    const user = body.link ? this.links.get(body.link) : this.users.get(body.user)?.password === body.password ? body.user : undefined;
    if (!user)
      return this.problem(
        response,
        401,
        "not-authenticated",
        body.link ? "this link was used already, or is older than ten minutes" : "no user of that name with that password",
        body.link ? "seaway open" : "",
      );
    this.links.delete(body.link);
    const session = randomBytes(16).toString("hex");
    this.sessions.set(session, user);
    response.setHeader("set-cookie", `seaway-mock=${session}; HttpOnly; SameSite=Strict; Path=/`);
    return this.json(response, undefined, 204);
  }

  call(call, parts, { body, user, url, request, response }) {
    const { world } = this;
    const { rights } = this.rightsOf(user);
    const may = rights.promote.length > 0;
    const refused = () =>
      this.problem(
        response,
        403,
        "not-authorised",
        `${user} may not promote to stage \`${body.stage ?? ""}\`: lacks \`promote\` on stages in project \`bank\``,
        "ask a promoter",
      );
    if (parts[2] === "projects" && parts[3] && parts[3] !== "bank")
      return this.problem(response, 404, "not-found", `no project \`${parts[3]}\``);
    switch (call) {
      case "GET about":
        return this.json(response, { version: "0.2.0-mock", engine: "embedded", engineNote: "no cluster" });
      case "GET projects":
        return this.json(response, { items: this.projects.map((name) => ({ name })) });
      case "GET projects/*/board":
        return this.json(response, world.board(rights));
      case "GET projects/*/changes":
        return this.stream(request, response, user);
      case "GET projects/*/why":
        return this.json(response, { items: this.why(url.searchParams.get("about") ?? "") });
      case "GET what-is-where":
        return this.json(response, world.whatIsWhere());
      case "GET projects/*/activity":
        return this.json(response, this.activity(url.searchParams));
      case "POST projects/*/plans":
        return may ? this.json(response, world.plan(body.stage, body.freight)) : refused();
      case "GET search":
        return this.json(response, { items: this.world.search(url.searchParams.get("q") ?? "") });
      case "GET projects/*/freight/*/difference/*":
        return this.json(response, this.world.difference(parts[5], parts[7]));
      case "POST projects/*/promotions": {
        if (!may) return refused();
        if (body.downstreamOf) return this.json(response, this.downstream(body, rights, user), 201);
        const open = world.stages.get(body.stage).promotion;
        if (body.planDigest && world.plan(body.stage, body.freight).digest !== body.planDigest)
          return this.problem(
            response,
            409,
            "plan-changed",
            `overlays/${body.stage}/kustomization.yaml changed on \`main\` since the plan`,
            "look at the new plan",
          );
        if (open)
          return this.problem(
            response,
            409,
            "promotion-open",
            `stage \`${body.stage}\` already has ${open}, asked by ${world.promotions.get(open).actor}`,
            "wait for it, or abort it",
          );
        return this.json(response, { name: world.promote(body.stage, body.freight, user, body.planDigest) }, 201);
      }
      case "GET projects/*/promotions/*": {
        const row = world.promotions.get(parts[5]);
        return row
          ? this.json(response, { ...row, ...world.views.get(row.name) })
          : this.problem(response, 404, "not-found", `no promotion \`${parts[5]}\``);
      }
      case "GET projects/*/promotions/*/written":
        return this.json(response, world.written.get(parts[5]) ?? { files: [], truncated: false, unknown: [] });
      case "POST projects/*/promotions/*/abort":
        return may ? (world.abort(parts[5], user), this.json(response, undefined, 202)) : refused();
      case "POST projects/*/promotions/*/resolve":
        return may ? (world.resolve(parts[5]), this.json(response, undefined, 202)) : refused();
      case "POST projects/*/stages/*/resume":
        return may ? (world.resume(parts[5]), this.json(response, undefined, 202)) : refused();
      case "POST projects/*/warehouses/*/refresh":
      case "POST projects/*/stages/*/refresh":
        return this.json(response, undefined, 202);
      case "POST projects/*/freight/*/approve": {
        if (!may) return refused();
        const freight = world.freight.get(parts[5]);
        freight.approvedFor.push(body.stage);
        freight.mayGoTo.push(body.stage);
        world.changed({ freight: [freight] });
        return this.json(response, undefined, 202);
      }
      default:
        return this.problem(response, 404, "not-found", `no ${call}`);
    }
  }

  downstream({ downstreamOf, freight }, rights, user) {
    const after = [...this.world.stages.values()].filter((one) => one.upstream.includes(downstreamOf));
    const may = (one) => rights.promote.includes(one.name) && !one.promotion;
    return {
      items: after.filter(may).map((one) => ({ stage: one.name, name: this.world.promote(one.name, freight, user) })),
      refused: after.filter((one) => !may(one)).map((one) => ({ stage: one.name, reason: `you may not promote to ${one.name} now` })),
    };
  }

  /** Everything that does not move, or for each stage why this freight may not go in. */
  why(about) {
    if (!about.startsWith("freight/")) return this.world.answers();
    const freight = this.world.freight.get(about.slice("freight/".length));
    return [...this.world.stages.values()].map((stage) => ({
      kind: "Freight",
      name: freight.name,
      state: "waiting",
      reason: "AwaitingUpstream",
      cause: `${freight.label} is not verified in ${stage.upstream.join(" or ")}`,
      waitsFor: "",
      releases: "its verification in an upstream stage, or an approval",
      hint: "",
      links: [{ kind: "Stage", name: stage.name }],
    }));
  }

  activity(query) {
    const found = this.world.activity.filter(
      (item) =>
        (!query.get("who") || item.actor.includes(query.get("who"))) &&
        (!query.get("from") || item.at >= query.get("from")) &&
        (!query.get("until") || item.at < query.get("until")) &&
        (!query.get("kind") || item.object.kind === query.get("kind")) &&
        (!query.get("stage") || item.object.name.startsWith(query.get("stage")) || item.message.includes(query.get("stage"))),
    );
    const from = Number(query.get("after") ?? 0);
    return { items: found.slice(from, from + 50), ...(found.length > from + 50 ? { next: String(from + 50) } : {}) };
  }

  /** What a user may do; `*` is every stage there is. */
  rightsOf(user) {
    const { promote } = this.users.get(user);
    const mine = promote.includes("*") ? [...this.world.stages.keys()] : promote;
    return { rights: { promote: mine, approve: mine.length > 0, refresh: mine.length > 0, write: promote.includes("*") } };
  }

  /** Gives or takes rights; streams that are open are told. */
  allow(user, promote) {
    this.users.get(user).promote = promote;
    for (const tell of this.tellRights) tell();
  }

  stream(request, response, user) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": hello\n\n");
    const [epoch, revision] = (request.headers["last-event-id"] ?? "").split(":");
    const send = (change) => response.write(`id: ${this.epoch}:${change.revision}\nevent: board\ndata: ${JSON.stringify(change)}\n\n`);
    if (revision !== undefined) {
      const kept = this.world.log.filter((change) => change.revision > Number(revision));
      if (Number(epoch) === this.epoch) kept.forEach(send);
      else response.write(`id: ${this.epoch}:${this.world.revision}\nevent: resync\ndata: {}\n\n`);
    }
    this.world.listeners.add(send);
    const tell = () => response.write(`event: rights\ndata: ${JSON.stringify(this.rightsOf(user).rights)}\n\n`);
    this.tellRights.add(tell);
    const heart = setInterval(() => response.write(": still here\n\n"), this.heartbeatMs);
    response.on("close", () => {
      clearInterval(heart);
      this.world.listeners.delete(send);
      this.tellRights.delete(tell);
    });
  }

  async control(verb, query, response) {
    if (verb === "push") this.world.push(query.get("version"), query.has("bad"));
    else if (verb === "branch-moves") this.world.branchMoves();
    else if (verb === "kill-for") {
      const ms = Number(query.get("ms") ?? 5_000);
      this.json(response, {});
      await this.kill();
      setTimeout(() => this.start(), ms);
      return;
    } else return this.problem(response, 404, "not-found", "push?version=1.5.1[&bad], branch-moves, kill-for?ms=5000");
    this.json(response, {});
  }

  file(path, response) {
    const asked = join(DIST, normalize(path));
    const isFile = asked.startsWith(DIST) && existsSync(asked) && statSync(asked).isFile() && !path.endsWith("index.html");
    // What a page is about may have dots in its name.
    if (!isFile && extname(path) !== "" && !path.startsWith("/p/")) {
      response.writeHead(404);
      response.end();
      return;
    }
    const nonce = randomBytes(16).toString("base64");
    const headers = {
      "content-type": TYPES[isFile ? extname(asked) : ".html"] ?? "application/octet-stream",
      "content-security-policy": `default-src 'none'; script-src 'nonce-${nonce}' 'strict-dynamic'; style-src 'self' 'nonce-${nonce}'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'`,
      "x-content-type-options": "nosniff",
    };
    response.writeHead(200, headers);
    response.end(isFile ? readFileSync(asked) : readFileSync(join(DIST, "index.html"), "utf8").replaceAll("__NONCE__", nonce));
  }
}

async function text(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}
