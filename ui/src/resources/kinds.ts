// The kinds whose YAML can be read here: one line a kind.

export interface Resource {
  /** The plural, as in addresses, here and at the API. */
  plural: string;
  kind: string;
  group: string;
  version: string;
  /** What a person calls several of them. */
  words: string;
  /** Written by the control plane alone. */
  isReadOnly?: boolean;
}

const KARGO = { group: "kargo.akuity.io", version: "v1alpha1" };
const RBAC = { group: "rbac.authorization.k8s.io", version: "v1" };

export const RESOURCES: Resource[] = [
  { plural: "stages", kind: "Stage", ...KARGO, words: "stages" },
  { plural: "warehouses", kind: "Warehouse", ...KARGO, words: "warehouses" },
  { plural: "promotiontasks", kind: "PromotionTask", ...KARGO, words: "promotion tasks" },
  { plural: "projectconfigs", kind: "ProjectConfig", ...KARGO, words: "project configuration" },
  { plural: "freights", kind: "Freight", ...KARGO, words: "freight" },
  { plural: "promotions", kind: "Promotion", ...KARGO, words: "promotions", isReadOnly: true },
  { plural: "roles", kind: "Role", ...RBAC, words: "roles" },
  { plural: "rolebindings", kind: "RoleBinding", ...RBAC, words: "role bindings" },
  { plural: "serviceaccounts", kind: "ServiceAccount", group: "", version: "v1", words: "service accounts" },
];

export const resourceOf = (plural: string): Resource | undefined => RESOURCES.find((one) => one.plural === plural);

/** Where all of a kind, or one of them, is at the Kubernetes API. */
export function urlOf({ group, version, plural }: Resource, project: string, name?: string): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const all = `${root}/namespaces/${encodeURIComponent(project)}/${plural}`;
  return name === undefined ? all : `${all}/${encodeURIComponent(name)}`;
}
