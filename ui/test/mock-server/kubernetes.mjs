// The mock's Kubernetes API: objects made up from the world, kept when written, with just enough checks to be tried against.

const KARGO = "kargo.akuity.io/v1alpha1";
const RBAC = "rbac.authorization.k8s.io/v1";
const KNOWN = new Set(["apiVersion", "kind", "metadata", "spec", "status", "rules", "roleRef", "subjects", "alias", "origin", "images"]);

const KINDS = {
  stages: (world) => [...world.stages.values()].map((one) => stage(one)),
  warehouses: (world) => [...world.warehouses.values()].map((one) => object(KARGO, "Warehouse", one.name, warehouse(one))),
  freights: (world) =>
    [...world.freight.values()].slice(-200).map((one) => ({
      ...object(KARGO, "Freight", one.name, undefined),
      alias: one.alias,
      origin: { kind: "Warehouse", name: one.warehouse },
      images: one.artifacts.filter((each) => each.kind === "image").map(({ url, tag, digest }) => ({ repoURL: url, tag, digest })),
    })),
  promotions: (world) =>
    [...world.promotions.values()].map((one) => ({
      ...object(KARGO, "Promotion", one.name, { stage: one.stage, freight: one.freight }),
      status: { phase: one.phase, message: one.message },
    })),
  promotiontasks: () => [
    object(KARGO, "PromotionTask", "promote", {
      vars: [{ name: "image" }],
      steps: [
        { uses: "git-clone", config: { repoURL: "http://127.0.0.1:7480/bank.git", checkout: [{ branch: "main", path: "src" }] } },
        { uses: "kustomize-set-image", as: "update", config: { path: "src/overlays/${{ ctx.stage }}" } },
        { uses: "git-commit", as: "commit", config: { path: "src", message: "${{ task.outputs.update.commitMessage }}" } },
        { uses: "git-push", as: "push", config: { path: "src" } },
      ],
    }),
  ],
  projectconfigs: () => [
    object(KARGO, "ProjectConfig", "bank", {
      promotionPolicies: [{ stageSelector: { name: "glob:{qa,e2e,staging,prod-us}" }, autoPromotionEnabled: true }],
    }),
  ],
  roles: () => [
    {
      ...object(RBAC, "Role", "developer", undefined),
      rules: [
        { apiGroups: ["kargo.akuity.io"], resources: ["stages"], resourceNames: ["qa", "e2e", "staging"], verbs: ["get", "promote"] },
      ],
    },
  ],
  rolebindings: () => [
    {
      ...object(RBAC, "RoleBinding", "developers", undefined),
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "developer" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "user:alice" }],
    },
  ],
  serviceaccounts: () => [object("v1", "ServiceAccount", "default", undefined)],
};

function object(apiVersion, kind, name, spec) {
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: "bank",
      resourceVersion: "1",
      uid: `${kind}-${name}`,
      generation: 1,
      creationTimestamp: "2026-11-19T08:00:00Z",
      managedFields: [{ manager: "seaway-apply", operation: "Apply", time: "2026-11-19T08:00:00Z" }],
    },
    ...(spec ? { spec } : {}),
  };
}

function stage(view) {
  return {
    ...object(KARGO, "Stage", view.name, {
      requestedFreight: [
        {
          origin: { kind: "Warehouse", name: view.warehouses[0] },
          sources: view.upstream.length === 0 ? { direct: true } : { stages: view.upstream },
        },
      ],
      promotionTemplate: { spec: { steps: [{ task: { name: "promote" }, as: "promote" }] } },
    }),
    status: { phase: view.state, freightSummary: view.has },
  };
}

function warehouse(view) {
  return {
    interval: "1m0s",
    freightCreationPolicy: view.freightCreation,
    subscriptions: view.sources.map(({ kind, url, constraint }) => ({
      [kind]: { repoURL: url, ...(constraint ? { constraint } : {}) },
    })),
  };
}

const status = (code, reason, message, causes = []) => [
  code,
  { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details: { causes } },
];

export class Kubernetes {
  constructor(world) {
    Object.assign(this, { world, written: new Map(), version: 1 });
  }

  find(plural, name) {
    const kept = this.written.get(`${plural}/${name}`);
    return kept ?? KINDS[plural]?.(this.world).find((one) => one.metadata.name === name);
  }

  /** Somebody else saves: `change` is given the object to work on. */
  write(plural, name, manager, change) {
    const next = structuredClone(this.find(plural, name));
    change(next);
    this.version += 1;
    next.metadata.resourceVersion = String(this.version);
    next.metadata.managedFields = [{ manager, operation: "Update", time: new Date().toISOString() }];
    this.written.set(`${plural}/${name}`, next);
    return next;
  }

  /** Answers `[status, body, headers]`. */
  answer(method, url, body, mayWrite) {
    const [, plural, name] = /\/namespaces\/[^/]+\/([^/]+)(?:\/([^/]+))?$/.exec(decodeURIComponent(url.pathname)) ?? [];
    if (!KINDS[plural]) return status(404, "NotFound", "the server could not find the requested resource");
    if (name === undefined)
      return [200, { kind: "List", items: KINDS[plural](this.world).map((one) => this.find(plural, one.metadata.name)) }];
    const now = this.find(plural, name);
    if (!now) return status(404, "NotFound", `${plural} "${name}" not found`);
    if (method === "GET") return [200, now];
    if (!mayWrite) return status(403, "Forbidden", `${plural} "${name}" is forbidden: you may not update it`);
    const strange = Object.keys(body).find((key) => !KNOWN.has(key));
    if (strange !== undefined) return status(400, "BadRequest", `strict decoding error: unknown field "${strange}"`);
    const steps = body.spec?.promotionTemplate?.spec?.steps ?? [];
    const bare = steps.findIndex((step) => !step.uses && !step.task);
    if (bare >= 0)
      return status(422, "Invalid", `${now.kind}.kargo.akuity.io "${name}" is invalid`, [
        {
          field: `spec.promotionTemplate.spec.steps[${bare}]`,
          message: "one of `uses` and `task` is required",
          reason: "FieldValueRequired",
        },
      ]);
    if (body.metadata.resourceVersion !== now.metadata.resourceVersion)
      return status(409, "Conflict", `Operation cannot be fulfilled on ${plural} "${name}": the object has been modified`);
    const next = { ...now, ...body, status: now.status, metadata: { ...now.metadata, ...body.metadata } };
    const warning = body.metadata.annotations?.["kargo.akuity.io/color"] ? { warning: '299 - "colours are the page\'s own business"' } : {};
    if (url.searchParams.get("dryRun") === "All") return [200, next, warning];
    return [200, this.write(plural, name, "seaway-page", (one) => Object.assign(one, next)), warning];
  }
}
