// Every promotion of a freight: the board holds the newest of a stage only, the rest is asked of the Kubernetes API.
import { useQuery } from "@tanstack/react-query";
import type { PromotionRow } from "../shared/api/types.ts";
import { kube, type KubeObject } from "../shared/api/kubernetes.ts";
import { useBoard, useList } from "../shared/live/hooks.ts";

const PAGE = 500;
const PAGES_MAX = 4;

/** The promotions of a freight among these objects; what the board holds too is told as the board tells it. */
export function historyOf(freight: string, label: string, kept: readonly KubeObject[], shown: readonly PromotionRow[]): PromotionRow[] {
  const rows = new Map(kept.flatMap((one) => rowOf(one, freight, label)).map((row) => [row.name, row]));
  for (const row of shown) if (row.freight === freight) rows.set(row.name, row);
  return [...rows.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.name.localeCompare(a.name));
}

function rowOf({ metadata, spec, status }: KubeObject, freight: string, label: string): PromotionRow[] {
  const wish = (spec ?? {}) as { stage?: string; freight?: string };
  if (wish.freight !== freight || wish.stage === undefined) return [];
  const { phase = "Pending", message = "", startedAt, finishedAt } = (status ?? {}) as Partial<PromotionRow>;
  const notes = (metadata.annotations ?? {}) as Record<string, string>;
  return [
    {
      name: metadata.name,
      stage: wish.stage,
      freight,
      label,
      phase,
      message,
      actor: (notes["kargo.akuity.io/create-actor"] ?? "").replace(/^[a-z]+:/, ""),
      createdAt: metadata.creationTimestamp ?? "",
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(finishedAt === undefined ? {} : { finishedAt }),
    },
  ];
}

async function all(project: string): Promise<{ items: KubeObject[]; isWhole: boolean }> {
  const items: KubeObject[] = [];
  let after: string | undefined;
  for (let n = 0; n < PAGES_MAX; n += 1) {
    const url = `/apis/kargo.akuity.io/v1alpha1/namespaces/${encodeURIComponent(project)}/promotions`;
    const { object } = await kube.list(url, PAGE, after);
    items.push(...object.items);
    after = object.metadata?.continue || undefined;
    if (after === undefined) return { items, isWhole: true };
  }
  return { items, isWhole: false };
}

/** What became of a freight, newest first; `isWhole` says whether it is all, undefined as long as that is not known. */
export function useHistory(freight: string, label: string): { rows: PromotionRow[]; isWhole: boolean | undefined } {
  const { project } = useBoard();
  const shown = useList("promotions");
  const kept = useQuery({ queryKey: ["every promotion", project], queryFn: () => all(project), staleTime: 30_000 });
  const rows = historyOf(freight, label, kept.data?.items ?? [], shown);
  return { rows, isWhole: kept.isError ? false : kept.data?.isWhole };
}
