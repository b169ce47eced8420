// The mock's world: the bank of product.md as plain data, with just enough behaviour to look alive. Nothing here decides anything for Seaway.
import { createHash } from "node:crypto";

const STAGES = ["qa", "e2e", "staging", "prod-eu", "prod-us"];
const ALIASES = ["steady-otter", "calm-heron", "brave-finch", "quiet-maple", "swift-ermine", "plain-wren", "amber-tern", "north-lark"];
const REGISTRY = "127.0.0.1:7450";
const REPOSITORY = "http://127.0.0.1:7480/bank.git";
const COMMITS = [
  ["transfer: a fee that rounds down is rounded half to even", "Alice Moreau"],
  ["transfer: refuse an amount with more digits than its currency has", "Ben Okafor"],
  ["build: the base image of November", "renovate[bot]"],
];
const sha = (text) => createHash("sha1").update(text).digest("hex");
const digest = (text) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

export class World {
  /** `pace` stretches every wait of the mock: 1 is a person's pace, 0.1 a test's. */
  constructor({ pace = 1, now = () => new Date() } = {}) {
    Object.assign(this, { pace, now, revision: 0, epoch: 1, listeners: new Set(), log: [], activity: [], counter: 0, answered: new Map() });
    this.freight = new Map();
    this.promotions = new Map();
    this.views = new Map();
    /** What git tells of each promotion. */
    this.written = new Map();
    this.timers = new Set();
    this.git = {};
    this.branchTip = 1;
    this.stages = new Map(
      STAGES.map((name, index) => [
        name,
        {
          name,
          has: "",
          next: "",
          state: "empty",
          waitsFor: "",
          cause: "",
          hint: "",
          upstream: index === 0 ? [] : [STAGES[index - 1]],
          warehouses: ["images"],
          controlFlow: false,
          promotesByItself: name !== "prod-eu",
          index,
        },
      ]),
    );
    this.warehouses = new Map([
      [
        "images",
        {
          name: "images",
          state: "ready",
          freightCreation: "Automatic",
          lookedAt: this.ago(20),
          nextLookAt: this.ago(-40),
          sources: [
            { kind: "image", url: `${REGISTRY}/fund-transfer`, constraint: "^1.0.0" },
            { kind: "image", url: `${REGISTRY}/account-info`, constraint: "^2.0.0" },
          ],
        },
      ],
    ]);
    this.rest();
  }

  ago(seconds) {
    return new Date(this.now().getTime() - seconds * 1000).toISOString();
  }

  /** At rest: 1.5.0 in the first three, 1.4.8 in both productions. */
  rest() {
    const old = this.makeFreight("1.4.8", 86_400 * 2);
    const current = this.makeFreight("1.5.0", 7_200);
    for (const stage of STAGES) this.settle(stage, old, 86_400);
    for (const stage of STAGES.slice(0, 3)) this.settle(stage, current, 6_900);
    for (const stage of STAGES) this.pastPromotion(stage, stage.startsWith("prod") ? old : current);
    this.wait("prod-eu", current, 6_900);
  }

  makeFreight(version, secondsAgo = 0, bad = false) {
    const name = sha(`freight ${version}`);
    const one = {
      name,
      alias: ALIASES[this.freight.size % ALIASES.length],
      label: `fund-transfer ${version}`,
      version,
      warehouse: "images",
      foundAt: this.ago(secondsAgo),
      artifacts: [
        { kind: "image", url: `${REGISTRY}/fund-transfer`, tag: version, digest: digest(`ft ${version}`) },
        { kind: "image", url: `${REGISTRY}/account-info`, tag: "2.3.0", digest: digest("ai 2.3.0") },
      ],
      in: [],
      verifiedIn: [],
      approvedFor: [],
      mayGoTo: ["qa"],
    };
    Object.defineProperty(one, "bad", { value: bad });
    this.freight.set(name, one);
    return one;
  }

  settle(stage, freight, secondsAgo = 0) {
    const view = this.stages.get(stage);
    for (const other of this.freight.values()) other.in = other.in.filter((name) => name !== stage);
    Object.assign(view, {
      has: freight.label,
      hasFreight: freight.name,
      state: "unchecked",
      waitsFor: "",
      cause: "the last promotion succeeded and nothing verifies this stage",
      hint: "",
      since: this.ago(secondsAgo),
    });
    delete view.inGit;
    delete view.promotion;
    delete view.nextFreight;
    view.next = "";
    freight.in = STAGES.filter((name) => name === stage || freight.in.includes(name));
    freight.verifiedIn = STAGES.filter((name) => name === stage || freight.verifiedIn.includes(name));
    const after = STAGES[STAGES.indexOf(stage) + 1];
    if (after) freight.mayGoTo = STAGES.filter((name) => name === after || freight.mayGoTo.includes(name));
    this.git[stage] = freight.version;
  }

  wait(stage, freight, secondsAgo = 0) {
    Object.assign(this.stages.get(stage), {
      next: freight.label,
      nextFreight: freight.name,
      state: "waiting",
      since: this.ago(secondsAgo),
      waitsFor: "a promoter: manual promotion",
      cause: `${freight.label} waits for a promoter: manual promotion (no policy lets it promote by itself)`,
      hint: `seaway promote ${stage} --freight ${freight.version}`,
    });
  }

  pastPromotion(stage, freight) {
    const row = this.newRow(stage, freight, stage === "prod-eu" ? "bob" : "seaway", 6_905);
    Object.assign(row, { phase: "Succeeded", startedAt: this.ago(6_904), finishedAt: this.ago(6_900) });
    const view = this.views.get(row.name);
    for (const [index, step] of view.steps.entries())
      Object.assign(step, { status: "Succeeded", startedAt: this.ago(6_904 - index), finishedAt: this.ago(6_903 - index) });
    view.events = view.steps.map((step) => ({ at: step.finishedAt, name: "done", step: step.alias, message: "" }));
  }

  newRow(stage, freight, actor, secondsAgo = 0, planDigest) {
    this.counter += 1;
    const row = {
      name: `${stage}.${String(this.counter).padStart(4, "0")}.${freight.name.slice(0, 7)}`,
      stage,
      freight: freight.name,
      label: freight.label,
      phase: "Pending",
      message: "",
      actor,
      createdAt: this.ago(secondsAgo),
    };
    const aliases = [
      ["promote::clone", "git-clone"],
      ["promote::update", "kustomize-set-image"],
      ["promote::commit", "git-commit"],
      ["promote::push", "git-push"],
    ];
    if (stage === "e2e") aliases.push(["smoke-test", "http"]);
    this.promotions.set(row.name, row);
    this.views.set(row.name, {
      steps: aliases.map(([alias, uses]) => ({ alias, uses, status: "Pending", message: "", log: "" })),
      events: [],
      ...(planDigest ? { planDigest, planned: this.planned(stage, freight) } : {}),
    });
    return row;
  }

  /** Sends what changed to whoever listens. */
  changed(change) {
    this.revision += 1;
    const key = (answer) => `${answer.kind}/${answer.name}`;
    const answers = new Map(this.answers().map((answer) => [key(answer), JSON.stringify(answer)]));
    const changed = this.answers().filter((answer) => this.answered.get(key(answer)) !== JSON.stringify(answer));
    const gone = [...this.answered.keys()].filter((one) => !answers.has(one));
    this.answered = answers;
    const whole = { revision: this.revision, ...change, answers: changed, gone: { ...change.gone, answers: gone } };
    this.log.push(whole);
    if (this.log.length > 500) this.log.shift();
    for (const listener of this.listeners) listener(whole);
  }

  record(actor, reason, kind, name, message) {
    this.activity.unshift({ at: this.ago(0), actor, reason, object: { kind, name }, message });
  }

  later(ms, act) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        act?.();
        resolve();
      }, ms * this.pace);
      this.timers.add(timer);
    });
  }

  end() {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  push(version, bad = false) {
    const freight = this.makeFreight(version, 0, bad);
    const warehouse = this.warehouses.get("images");
    Object.assign(warehouse, { lookedAt: this.ago(0), nextLookAt: this.ago(-60) });
    this.record("seaway", "FreightCreated", "Freight", freight.name, `${freight.label} from images`);
    this.changed({ freight: [freight], warehouses: [warehouse] });
    void this.later(600).then(() => this.promote("qa", freight.name, "seaway"));
  }

  promote(stage, freightName, actor, planDigest) {
    const freight = this.freight.get(freightName);
    const view = this.stages.get(stage);
    const row = this.newRow(stage, freight, actor, 0, planDigest);
    Object.assign(view, {
      promotion: row.name,
      next: freight.label,
      nextFreight: freight.name,
      state: "promoting",
      waitsFor: "",
      since: this.ago(0),
      cause: `${freight.label} is being promoted`,
    });
    this.record(actor, "PromotionCreated", "Promotion", row.name, `${freight.label} into ${stage}`);
    this.changed({ promotions: [row], stages: [view] });
    void this.run(row, freight);
    return row.name;
  }

  async run(row, freight) {
    const view = this.views.get(row.name);
    Object.assign(row, { phase: "Running", startedAt: this.ago(0) });
    this.changed({ promotions: [{ ...row }] });
    for (const step of view.steps) {
      if (row.phase !== "Running") return;
      Object.assign(step, { status: "Running", startedAt: this.ago(0) });
      row.message = `step ${step.alias}`;
      view.events.push({ at: this.ago(0), name: "started", step: step.alias, message: "" });
      this.changed({ promotions: [{ ...row }] });
      await this.later(500);
      if (row.phase !== "Running") return;
      if (step.alias === "smoke-test" && freight.bad) return this.fail(row, view, step, freight);
      Object.assign(step, { status: "Succeeded", finishedAt: this.ago(0) });
      if (step.uses === "git-push") {
        step.log = `To ${REPOSITORY}\n   1f0c7aa..${sha(row.name).slice(0, 7)}  main -> main\n`;
        step.output = { commit: sha(row.name), branch: "main" };
        const planned = view.planned ?? this.planned(row.stage, freight);
        view.written = { digest: planned.digest, commits: [{ repository: REPOSITORY, branch: "main", commit: sha(row.name) }] };
        this.written.set(row.name, { files: planned.files, truncated: planned.truncated, unknown: [] });
        this.git[row.stage] = freight.version;
      }
      view.events.push({
        at: this.ago(0),
        name: "done",
        step: step.alias,
        message: step.uses === "git-push" ? `commit ${sha(row.name).slice(0, 8)} on main` : "",
      });
    }
    Object.assign(row, { phase: "Succeeded", message: "", finishedAt: this.ago(0) });
    this.settle(row.stage, freight);
    this.record(row.actor, "PromotionSucceeded", "Promotion", row.name, `${freight.label} into ${row.stage}`);
    const next = STAGES[STAGES.indexOf(row.stage) + 1];
    if (next === "prod-eu") this.wait(next, freight);
    this.changed({
      promotions: [{ ...row }],
      stages: [this.stages.get(row.stage), ...(next ? [this.stages.get(next)] : [])],
      freight: [...this.freight.values()],
    });
    if (next && next !== "prod-eu") await this.later(next === "prod-us" ? 4_000 : 300, () => this.promote(next, freight.name, "seaway"));
  }

  fail(row, view, step, freight) {
    Object.assign(step, { status: "Errored", message: "smoke test answered 500", finishedAt: this.ago(0) });
    Object.assign(row, { phase: "Failed", message: "smoke test answered 500", finishedAt: this.ago(0) });
    view.events.push({ at: this.ago(0), name: "failed", step: step.alias, message: "smoke test answered 500" });
    const stage = this.stages.get(row.stage);
    Object.assign(stage, {
      state: "failed",
      waitsFor: "smoke test answered 500",
      cause: `${freight.label} (in git all the same): smoke test answered 500`,
      since: this.ago(0),
      hint: `seaway promote ${row.stage} --freight FREIGHT`,
      inGit: freight.label,
    });
    delete stage.promotion;
    this.record(row.actor, "PromotionFailed", "Promotion", row.name, "smoke test answered 500");
    this.changed({ promotions: [{ ...row }], stages: [stage] });
  }

  abort(name, actor) {
    const row = this.promotions.get(name);
    Object.assign(row, { phase: "Aborted", message: `aborted by ${actor}`, finishedAt: this.ago(0) });
    const stage = this.stages.get(row.stage);
    const has = this.freight.get(stage.hasFreight);
    if (has) this.settle(row.stage, has);
    else {
      stage.state = "empty";
      delete stage.promotion;
    }
    this.record(actor, "PromotionAborted", "Promotion", name, `by ${actor}`);
    this.changed({ promotions: [{ ...row }], stages: [stage] });
  }

  /** A promotion that was interrupted between asking and answer. */
  uncertain(stage) {
    const freight = [...this.freight.values()].find((one) => one.name === this.stages.get(stage).hasFreight);
    const row = this.newRow(stage, freight, "bob");
    Object.assign(row, { phase: "Uncertain", message: "nobody knows whether `promote::push` happened", startedAt: this.ago(3) });
    const view = this.views.get(row.name);
    view.uncertainStep = "promote::push";
    Object.assign(view.steps[3], { status: "Uncertain", startedAt: this.ago(3) });
    Object.assign(this.stages.get(stage), { state: "uncertain", promotion: row.name, cause: row.message });
    this.changed({ promotions: [row], stages: [this.stages.get(stage)] });
    return row.name;
  }

  resolve(name) {
    const row = this.promotions.get(name);
    delete this.views.get(name).uncertainStep;
    for (const step of this.views.get(name).steps) Object.assign(step, { status: "Succeeded" });
    Object.assign(row, { phase: "Succeeded", message: "", finishedAt: this.ago(0) });
    this.settle(row.stage, this.freight.get(row.freight));
    this.changed({ promotions: [{ ...row }], stages: [this.stages.get(row.stage)] });
  }

  hold(stage) {
    Object.assign(this.stages.get(stage), {
      state: "held",
      waitsFor: "lifting the hold",
      cause: "bob chose other freight than fund-transfer 1.5.0",
    });
    this.changed({ stages: [this.stages.get(stage)] });
  }

  resume(stage) {
    Object.assign(this.stages.get(stage), { state: "unchecked", waitsFor: "", cause: "" });
    this.changed({ stages: [this.stages.get(stage)] });
  }

  /** Someone else commits to the planned file. */
  branchMoves() {
    this.branchTip += 1;
    this.git["prod-eu"] = `1.4.8-hotfix${this.branchTip}`;
  }

  answers() {
    return [...this.stages.values()]
      .filter((stage) => ["waiting", "failed", "blocked", "uncertain"].includes(stage.state))
      .map((stage) => ({
        kind: "Stage",
        name: stage.name,
        state: stage.state,
        reason: stage.state === "failed" ? "PromotionFailed" : "ManualPromotion",
        cause: stage.cause,
        waitsFor: stage.waitsFor,
        since: stage.since,
        releases: stage.state === "failed" ? "another promotion, of this freight or other" : "a person who may promote to the stage",
        hint: stage.hint,
      }));
  }

  board(rights) {
    return {
      revision: this.revision,
      project: "bank",
      now: this.ago(0),
      warehouses: [...this.warehouses.values()],
      stages: [...this.stages.values()],
      freight: [...this.freight.values()],
      promotions: [...this.promotions.values()],
      answers: this.answers(),
      rights,
    };
  }

  planned(stage, freight) {
    const { digest, files, truncated } = this.plan(stage, freight.name);
    return { digest, files, truncated };
  }

  plan(stage, freightName) {
    const freight = this.freight.get(freightName);
    const before = this.git[stage];
    const changed = before !== freight.version;
    const path = `overlays/${stage}/kustomization.yaml`;
    const diff = `@@ -4,9 +4,9 @@\n resources:\n - ../../base\n images:\n - name: bank/fund-transfer\n   newName: ${REGISTRY}/fund-transfer\n-  newTag: ${before}\n+  newTag: ${freight.version}\n - name: bank/account-info\n   newName: ${REGISTRY}/account-info\n   newTag: 2.3.0\n`;
    const has = this.stages.get(stage).has.split(" ").pop() || "nothing";
    const allowed = freight.mayGoTo.includes(stage);
    return {
      sentence: changed
        ? `${stage} goes from ${has} to ${freight.version}: 1 file, 1 commit on \`main\`, then push.`
        : `${stage} has ${freight.version} already: nothing would be written.`,
      stage,
      freight: freight.name,
      label: freight.label,
      digest: `v1:${digest(`${stage} ${freight.version} ${before}`).slice(7)}`,
      changed,
      truncated: false,
      files: changed
        ? [{ repository: REPOSITORY, branch: "main", path, mode: "100644", newBlob: sha(diff), diff, added: 1, removed: 1, binary: false }]
        : [],
      effects: [
        { alias: "promote::push", kind: "git-push", description: "push src to branch main" },
        ...(stage === "e2e" ? [{ alias: "smoke-test", kind: "http", description: "GET http://127.0.0.1:7480/smoke/e2e" }] : []),
      ],
      unknown: stage === "e2e" ? ["whether the smoke test will answer 200"] : [],
      waits: stage === "e2e" ? [{ alias: "smoke-test", for: "an answer of 200", releasedBy: "the smoke test" }] : [],
      canStart: allowed ? { now: true } : { now: false, reason: `${freight.label} may not go to ${stage}: it is not verified upstream` },
    };
  }

  difference(from, to) {
    const [before, after] = [this.freight.get(from), this.freight.get(to)];
    const at = ({ tag, digest }) => ({ version: tag, digest });
    return {
      from,
      to,
      artifacts: after.artifacts.map((one, index) => {
        const isSame = before.artifacts[index].tag === one.tag;
        return {
          kind: one.kind,
          url: one.url,
          from: at(before.artifacts[index]),
          to: { ...at(one), link: `https://git.example.com/bank/fund-transfer/releases/${one.tag}` },
          commits: isSame
            ? []
            : COMMITS.map(([subject, author], n) => ({ commit: sha(subject), subject, author, at: this.ago(900 + n * 4_000) })),
          truncated: false,
          ...(isSame ? {} : { link: `https://git.example.com/bank/fund-transfer/compare/${before.version}...${after.version}` }),
        };
      }),
    };
  }

  /** Found by words, in this project and in one that has no more than a name. */
  search(question) {
    const words = question.toLowerCase().split(/\s+/).filter(Boolean);
    const all = [
      ...[...this.stages.values()].map((one) => ({
        kind: "stage",
        project: "bank",
        name: one.name,
        label: one.name,
        detail: `${one.has} ${one.state}`,
      })),
      ...[...this.freight.values()].map((one) => ({
        kind: "freight",
        project: "bank",
        name: one.name,
        label: one.label,
        detail: one.alias,
      })),
      ...[...this.promotions.values()].map((one) => ({
        kind: "promotion",
        project: "bank",
        name: one.name,
        label: `${one.label} into ${one.stage}`,
        detail: one.phase.toLowerCase(),
      })),
      { kind: "stage", project: "insurance", name: "prod-eu", label: "prod-eu", detail: "claims 7.2.0 verified" },
    ];
    return all
      .filter((one) => words.every((word) => `${one.kind} ${one.label} ${one.detail} ${one.project}`.toLowerCase().includes(word)))
      .slice(0, 50);
  }

  whatIsWhere() {
    const cells = (version) =>
      [...this.stages.values()].map((stage) => {
        const freight = this.freight.get(stage.hasFreight);
        return {
          project: "bank",
          stage: stage.name,
          version: version(freight),
          state: stage.state,
          since: stage.since,
          freight: freight?.name,
          next: stage.next,
          inGit: stage.inGit,
        };
      });
    return {
      services: ["account-info", "fund-transfer"],
      rows: [
        { service: "account-info", cells: cells((freight) => freight?.artifacts[1].tag ?? "") },
        { service: "fund-transfer", cells: cells((freight) => freight?.version ?? "") },
      ],
    };
  }
}
