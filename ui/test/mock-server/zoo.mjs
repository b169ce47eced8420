// More worlds for the mock: one with every state and everything that is long, one that is big.
import { createHash } from "node:crypto";
import { World } from "./world.mjs";

const sha = (text) => createHash("sha1").update(text).digest("hex");

/** Every state a stage can have, fan-out and fan-in, long names and versions, two warehouses, a held and an uncertain stage. */
export function zoo(options) {
  const world = new World(options);
  const long = world.makeFreight("1.6.0-rc.1+build.20261121.4f9a1c", 4);
  world.warehouses.set("charts-and-git", {
    name: "charts-and-git",
    state: "blocked",
    freightCreation: "Manual",
    lookedAt: world.ago(400),
    nextLookAt: world.ago(-20),
    sources: [
      { kind: "chart", url: "oci://registry.example.com/platform/very-long-chart-name-of-the-platform-team", constraint: ">=2.0.0 <3.0.0" },
      { kind: "git", url: "https://git.example.com/bank/platform.git" },
      { kind: "image", url: "registry.example.com/platform/agent" },
    ],
    answer: {
      kind: "Warehouse",
      name: "charts-and-git",
      state: "blocked",
      reason: "NotAuthenticated",
      cause: "registry.example.com did not accept the credentials",
      waitsFor: "the right credentials",
      since: world.ago(400),
      releases: "a Secret of the project with the right credentials",
      hint: "kubectl create secret generic NAME --from-literal=repoURL=…",
    },
  });
  const add = (name, upstream, state, change = {}) =>
    world.stages.set(name, {
      name,
      has: "",
      next: "",
      state,
      waitsFor: "",
      cause: "",
      hint: "",
      since: world.ago(300),
      upstream,
      warehouses: ["images"],
      controlFlow: false,
      promotesByItself: false,
      index: world.stages.size,
      ...change,
    });
  const has = { has: long.label, hasFreight: long.name };
  add("performance-and-load", ["qa"], "verified", { ...has, cause: "what is in the stage is verified" });
  add("security", ["qa"], "promoting", { ...has, next: "fund-transfer 1.5.1", cause: "is being promoted" });
  add("fan-in", ["performance-and-load", "security"], "verified", { controlFlow: true });
  add("prod-apac", ["fan-in"], "held", { ...has, waitsFor: "lifting the hold", cause: "bob chose other freight than fund-transfer 1.5.1" });
  add("prod-africa", ["fan-in"], "uncertain", {
    ...has,
    waitsFor: "a promoter: did http happen?",
    cause: "nobody knows whether `notify` happened",
  });
  add("prod-latam", ["fan-in"], "empty");
  add("platform", [], "blocked", {
    warehouses: ["charts-and-git"],
    has: "agent 9.1.0, platform 3.2.1",
    waitsFor: "the right credentials",
    cause: "the warehouse cannot look",
  });
  const answers = world.answers.bind(world);
  world.answers = () => [...answers(), world.warehouses.get("charts-and-git").answer];
  return world;
}

/** 500 stages in a hundred lines of five, 5,000 freight. */
export function big(options) {
  const world = new World(options);
  world.stages.clear();
  for (let line = 0; line < 100; line += 1) {
    for (const [at, kind] of ["qa", "e2e", "staging", "prod-eu", "prod-us"].entries()) {
      const name = `team${line}-${kind}`;
      world.stages.set(name, {
        name,
        has: "fund-transfer 1.4.8",
        next: "",
        state: "unchecked",
        waitsFor: "",
        cause: "",
        hint: "",
        since: world.ago(line),
        upstream: at === 0 ? [] : [`team${line}-${["qa", "e2e", "staging", "prod-eu"][at - 1]}`],
        warehouses: ["images"],
        controlFlow: false,
        promotesByItself: at < 3,
        index: line * 5 + at,
      });
    }
  }
  for (let n = 0; n < 5_000; n += 1) {
    const version = `2.${Math.floor(n / 100)}.${n % 100}`;
    world.freight.set(sha(version), {
      name: sha(version),
      alias: `calm-heron-${n}`,
      label: `fund-transfer ${version}`,
      version,
      warehouse: "images",
      foundAt: world.ago(3_600 + n),
      artifacts: [{ kind: "image", url: "127.0.0.1:7450/fund-transfer", tag: version, digest: `sha256:${sha(version)}` }],
      in: [],
      verifiedIn: [],
      approvedFor: [],
      mayGoTo: ["team0-qa"],
    });
  }
  return world;
}
