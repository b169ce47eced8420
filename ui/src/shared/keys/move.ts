// Moving with the keyboard: things that can be moved to carry `data-nav` with the name of their group.

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}
export type Direction = "left" | "right" | "up" | "down";

/** The index of the nearest box in a direction, seen from one of them; -1 if there is none. */
export function nearest(boxes: readonly Box[], from: number, direction: Direction): number {
  const start = boxes[from];
  if (!start) return -1;
  let best = -1;
  let bestCost = Infinity;
  boxes.forEach((box, index) => {
    if (index === from) return;
    const across = direction === "left" || direction === "right";
    const dx = box.left + box.width / 2 - (start.left + start.width / 2);
    const dy = box.top + box.height / 2 - (start.top + start.height / 2);
    const ahead = direction === "left" ? -dx : direction === "right" ? dx : direction === "up" ? -dy : dy;
    const aside = Math.abs(across ? dy : dx);
    const limit = across ? Math.max(box.height, start.height) : Infinity;
    // Left and right stay in their line; up and down may go to another group.
    if (ahead < 1 || (across && aside > limit * 4)) return;
    const cost = ahead + aside * 2;
    if (cost < bestCost) [best, bestCost] = [index, cost];
  });
  return best;
}

const things = () => [...document.querySelectorAll<HTMLElement>("[data-nav]")].filter((one) => one.offsetParent !== null);

function focus(element: HTMLElement | undefined) {
  element?.focus();
  element?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function move(direction: Direction) {
  const all = things();
  const from = all.indexOf(document.activeElement as HTMLElement);
  if (from < 0) return focus(first(all));
  focus(
    all[
      nearest(
        all.map((one) => one.getBoundingClientRect()),
        from,
        direction,
      )
    ],
  );
}

export function step(by: 1 | -1) {
  const all = things();
  const here = document.activeElement as HTMLElement;
  const group = here?.dataset?.["nav"];
  const mine = all.filter((one) => one.dataset["nav"] === group);
  if (group === undefined || mine.length === 0) return focus(first(all));
  focus(mine[mine.indexOf(here) + by]);
}

/** Where one begins: the first stage, or whatever is first. */
const first = (all: HTMLElement[]) => all.find((one) => one.dataset["nav"] === "stages") ?? all[0];

/** The stage, freight, warehouse or promotion that has the focus. */
export function focused(): { kind: string; name: string } | undefined {
  const here = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("[data-kind]");
  const kind = here?.dataset["kind"];
  const name = here?.dataset["name"];
  return kind !== undefined && name !== undefined ? { kind, name } : undefined;
}
