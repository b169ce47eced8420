// Where the nodes of the pipeline stand: in columns by their distance from the warehouses, each near those it follows.
export interface Place {
  id: string;
  column: number;
  x: number;
  y: number;
}
export interface Input {
  warehouses: readonly string[];
  stages: readonly { name: string; upstream: readonly string[]; warehouses: readonly string[]; index: number }[];
}
export interface Edge {
  from: string;
  to: string;
}

export const NODE = { width: 176, height: 116, gapX: 44, gapY: 20 };

export const warehouseId = (name: string) => `warehouse/${name}`;
export const stageId = (name: string) => `stage/${name}`;

/** Warehouses lead to the stages that take their freight directly; stages lead to those downstream of them. */
export function edgesOf({ warehouses, stages }: Input): Edge[] {
  const known = new Set([...warehouses.map(warehouseId), ...stages.map((stage) => stageId(stage.name))]);
  return stages
    .flatMap((stage) => [
      ...stage.upstream.map((name) => ({ from: stageId(name), to: stageId(stage.name) })),
      ...(stage.upstream.length === 0 ? stage.warehouses.map((name) => ({ from: warehouseId(name), to: stageId(stage.name) })) : []),
    ])
    .filter((edge) => known.has(edge.from));
}

export function layout(input: Input): Place[] {
  const before = new Map<string, string[]>();
  for (const { from, to } of edgesOf(input)) before.set(to, [...(before.get(to) ?? []), from]);
  const ids = [
    ...input.warehouses.map(warehouseId),
    ...[...input.stages].sort((a, b) => a.index - b.index).map((stage) => stageId(stage.name)),
  ];

  const columns = new Map<string, number>();
  const columnOf = (id: string, seen: ReadonlySet<string>): number => {
    const known = columns.get(id);
    if (known !== undefined) return known;
    if (seen.has(id)) return 0; // A circle is refused by the server; here it must only not hang.
    const sources = before.get(id) ?? [];
    const least = id.startsWith("warehouse/") ? 0 : 1;
    const column = sources.reduce((most, source) => Math.max(most, columnOf(source, new Set([...seen, id])) + 1), least);
    columns.set(id, column);
    return column;
  };
  for (const id of ids) columnOf(id, new Set());

  const rows = new Map<string, number>();
  const places: Place[] = [];
  const last = Math.max(0, ...columns.values());
  for (let column = 0; column <= last; column += 1) {
    const here = ids.filter((id) => columns.get(id) === column);
    const wish = (id: string) => {
      const sources = (before.get(id) ?? []).map((source) => rows.get(source)).filter((row): row is number => row !== undefined);
      return sources.length === 0 ? 0 : sources.reduce((sum, row) => sum + row, 0) / sources.length;
    };
    const sorted = here.map((id, order) => ({ id, order, wish: wish(id) })).sort((a, b) => a.wish - b.wish || a.order - b.order);
    // Each stands in the row it wishes for, or the next free one; the column is then centred on its wishes.
    let next = -Infinity;
    const given = sorted.map((one) => {
      const row = Math.max(one.wish, next);
      next = row + 1;
      return row;
    });
    const shift = sorted.reduce((sum, one, at) => sum + one.wish - (given[at] ?? 0), 0) / Math.max(1, sorted.length);
    sorted.forEach((one, at) => {
      const row = (given[at] ?? 0) + shift;
      rows.set(one.id, row);
      places.push({ id: one.id, column, x: column * (NODE.width + NODE.gapX), y: row * (NODE.height + NODE.gapY) });
    });
  }
  return places;
}
