// The mock's users, tokens, sessions and credentials: kept in memory, forgotten with it.
import { randomBytes } from "node:crypto";

const secret = () => `seaway_${randomBytes(24).toString("base64url")}`;

export class Accounts {
  constructor(now = () => new Date()) {
    Object.assign(this, { now, tokens: [] });
    this.tokens.push({
      id: "t1",
      owner: "bob",
      name: "release pipeline",
      scope: { projects: ["bank"], verbs: ["get", "list", "watch", "promote", "refresh", "create", "patch"] },
      createdAt: this.at(-86_400 * 12),
      expiresAt: this.at(86_400 * 18),
      usedAt: this.at(-340),
    });
  }

  at(seconds) {
    return new Date(this.now().getTime() + seconds * 1_000).toISOString();
  }

  /** Whether somebody may list users, as Kubernetes says it. */
  review(user, server) {
    const allowed = server.users.get(user).promote.includes("*");
    return {
      status: allowed
        ? { allowed }
        : { allowed, reason: `user \`user:${user}\` may not list \`users.seaway.dev\`: no role gives \`list\` on it` },
    };
  }

  /** Answers what belongs here: `[status, body]`, a problem as `[status, type, detail, hint]`, or nothing. */
  answer(method, [first, id, more], { body, user, server, session }) {
    const admin = server.users.get(user).promote.includes("*");
    const forbidden = (verb) => [
      403,
      "not-authorised",
      `user \`user:${user}\` may not ${verb} \`users.seaway.dev\`: no role gives \`${verb}\` on it`,
      "ask an administrator for the role `seaway-admin`",
    ];
    switch (`${method} ${first}${id === undefined ? "" : "/*"}${more === undefined ? "" : `/${more}`}`) {
      case "GET users":
        if (!admin) return forbidden("list");
        return [200, { items: [...server.users].map(([name, { groups }]) => ({ name, groups, createdAt: this.at(-86_400 * 3) })) }];
      case "POST users":
        if (!admin) return forbidden("create");
        if (server.users.has(body.name)) return [409, "conflict", `add user \`${body.name}\`: there is one of that name`, ""];
        if (body.password.length < 12)
          return [422, "invalid", "the password has fewer than 12 characters", "a sentence is easier to remember"];
        server.users.set(body.name, { name: body.name, password: body.password, promote: [], groups: body.groups });
        return [201, {}];
      case "POST users/*/password": {
        const person = server.users.get(id);
        if (id !== user && !admin) return forbidden("update");
        if (id === user && person.password !== body.old) return [403, "not-authorised", "that is not your present password", ""];
        person.password = body.password;
        for (const [key, of] of server.sessions) if (of === id) server.sessions.delete(key);
        return [204];
      }
      case "DELETE users/*":
        if (!admin) return forbidden("delete");
        server.users.delete(id);
        return [204];
      case "GET tokens":
        return [200, { items: this.tokens.filter((one) => one.owner === user) }];
      case "POST tokens": {
        const row = {
          id: randomBytes(4).toString("hex"),
          owner: user,
          name: body.name,
          scope: body.scope ?? null,
          createdAt: this.at(0),
          expiresAt: this.at(body.expiresIn),
        };
        this.tokens.push(row);
        return [201, { ...row, token: secret() }];
      }
      case "DELETE tokens/*":
        this.tokens = this.tokens.filter((one) => one.id !== id);
        return [204];
      case "GET sessions":
        return [
          200,
          {
            items: [...server.sessions]
              .filter(([, of]) => of === user)
              .map(([key]) => ({
                id: key.slice(0, 8),
                user,
                via: "link",
                createdAt: this.at(-600),
                expiresAt: this.at(8 * 3_600),
                from: "127.0.0.1",
                current: key === session,
              })),
          },
        ];
      case "DELETE sessions/*":
        for (const key of server.sessions.keys()) if (key.startsWith(id)) server.sessions.delete(key);
        return [204];
      case "GET credentials":
        return [
          200,
          {
            items: [
              { project: "bank", name: "bank-repository", kind: "git", url: "http://127.0.0.1:7480/bank.git" },
              { project: "bank", name: "registry", kind: "image", url: "127.0.0.1:7450/*" },
            ],
          },
        ];
    }
    return undefined;
  }
}
