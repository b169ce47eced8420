// What happened: who did what to what, and when; filters stand in the URL.
import { keepPreviousData, useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "../shared/api/client.ts";
import type { ActivityFilter, ActivityItem } from "../shared/api/types.ts";
import { OpenLink } from "../shared/frame/OpenLink.tsx";
import { useOpen, type Openable } from "../shared/frame/open.ts";
import type { LiveBoard } from "../shared/live/board.ts";
import { useBoard, useList } from "../shared/live/hooks.ts";
import { Ago } from "../shared/look/Ago.tsx";
import { Button } from "../shared/look/Button.tsx";
import { Empty } from "../shared/look/Empty.tsx";
import { ProblemNote } from "../shared/look/ProblemNote.tsx";
import { Words } from "../shared/look/Words.tsx";
import { short } from "../shared/look/version.ts";
import { csvOf } from "./csv.ts";
import { TimeRange } from "./TimeRange.tsx";
import { Who } from "./Who.tsx";
import css from "./ActivityPage.module.css";

const CSV_PAGES_MAX = 400;
/** What promotions bring about, then what people write. */
const KINDS = ["Promotion", "Freight", "Stage", "Warehouse", "PromotionTask", "ProjectConfig"];
const KINDS_BESIDE = ["Role", "RoleBinding", "ServiceAccount", "Secret", "ConfigMap"];
const OPENABLE: Record<string, Openable> = { Promotion: "promotion", Freight: "freight", Stage: "stage", Warehouse: "warehouse" };

export function ActivityPage() {
  const { project } = useBoard();
  const { search, set } = useOpen();
  const stages = useList("stages");
  const promotions = useList("promotions");
  const filter = {
    who: search.actor ?? "",
    stage: search.of ?? "",
    kind: search.kind ?? "",
    from: search.from ?? "",
    until: search.until ?? "",
  };
  const query = useInfiniteQuery({
    queryKey: ["activity", project, filter],
    queryFn: ({ pageParam }) => api.activity(project, filter, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
  const { refetch } = query;
  useEffect(() => {
    void refetch({ cancelRefetch: false });
  }, [promotions, refetch]);
  const csv = useMutation({ mutationFn: async () => save(`${project}-activity.csv`, csvOf(await all(project, filter))) });
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Object.values(filter).some((value) => value !== "");
  return (
    <section className={css.page}>
      <header className={css.head}>
        <h1>Activity</h1>
        <Who value={filter.who} onChange={(who) => set({ actor: who || undefined })} />
        <select aria-label="only this stage" value={filter.stage} onChange={(event) => set({ of: event.target.value || undefined })}>
          <option value="">every stage</option>
          {stages.map((one) => (
            <option key={one.name}>{one.name}</option>
          ))}
        </select>
        <select aria-label="only this kind" value={filter.kind} onChange={(event) => set({ kind: event.target.value || undefined })}>
          <option value="">every kind</option>
          {[...KINDS, ...KINDS_BESIDE].map((kind) => (
            <option key={kind}>{kind}</option>
          ))}
        </select>
        <TimeRange from={filter.from} until={filter.until} onChange={set} />
        {isFiltered && (
          <Button look="quiet" onClick={() => set({ actor: undefined, of: undefined, kind: undefined, from: undefined, until: undefined })}>
            everything
          </Button>
        )}
        <Button
          className={css.csv ?? ""}
          disabled={items.length === 0 || csv.isPending}
          title={`all that these filters match, up to ${(CSV_PAGES_MAX * 50).toLocaleString("en")} rows`}
          onClick={() => csv.mutate()}
        >
          {csv.isPending ? "reading…" : "CSV"}
        </Button>
      </header>
      {csv.isError && <ProblemNote error={csv.error} />}
      {query.isError && <ProblemNote error={query.error} />}
      {query.isSuccess && items.length === 0 && (
        <Empty
          what={isFiltered ? "Nothing that matches these filters." : "Nothing happened yet."}
          {...(isFiltered
            ? {}
            : {
                command: "seaway demo push fund-transfer:1.5.1",
                then: "Freight found, promotions asked, ended and aborted are listed here, newest first.",
              })}
        />
      )}
      {items.length > 0 && <Items items={items} />}
      {query.hasNextPage && (
        <p className={css.more}>
          <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {query.isFetchingNextPage ? "reading…" : "Older"}
          </Button>
        </p>
      )}
    </section>
  );
}

/** Every page of what the filters match, to a limit. */
async function all(project: string, filter: ActivityFilter): Promise<ActivityItem[]> {
  const items: ActivityItem[] = [];
  let after: string | undefined;
  for (let n = 0; n < CSV_PAGES_MAX; n += 1) {
    const page = await api.activity(project, filter, after);
    items.push(...page.items);
    after = page.next;
    if (after === undefined) break;
  }
  return items;
}

/** What it was done to, by the version it is about where the board knows it. */
function inWords(board: LiveBoard, { object, stage }: ActivityItem): string {
  if (object.kind === "Freight") return board.get("freight", object.name)?.label ?? `freight ${short(object.name)}`;
  if (object.kind !== "Promotion") return `${object.kind.toLowerCase()} ${object.name}`;
  const row = board.get("promotions", object.name);
  if (row) return `${row.label} into ${row.stage}`;
  return stage ? `a promotion into ${stage}` : `promotion ${object.name}`;
}

function Items({ items }: { items: readonly ActivityItem[] }) {
  const board = useBoard();
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label="activity">
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">when</th>
            <th scope="col">who</th>
            <th scope="col">what</th>
            <th scope="col">to</th>
            <th scope="col">in words</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item, index) => {
            const kind = OPENABLE[item.object.kind];
            return (
              <tr key={`${item.at} ${index}`}>
                <td className={css.when}>
                  <Ago at={item.at} />
                </td>
                <td className={css.who}>{item.actor}</td>
                <td className={css.what}>{item.reason}</td>
                <td className={css.object}>
                  {kind ? (
                    <OpenLink
                      kind={kind}
                      name={item.object.name}
                      data-nav="rows"
                      data-kind={kind}
                      data-name={item.object.name}
                      title={`${item.object.kind} ${item.object.name}`}
                    >
                      {inWords(board, item)}
                    </OpenLink>
                  ) : (
                    `${item.object.kind} ${item.object.name}`
                  )}
                </td>
                <td className={css.message} title={item.message}>
                  <Words text={item.message} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function save(name: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
