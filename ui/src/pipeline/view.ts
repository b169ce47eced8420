// Where the graph is looked at from: as wide as the page if it can then be read, else its beginning; and how far to move to see one node.
import { NODE } from "./layout.ts";

export interface View {
  x: number;
  y: number;
  zoom: number;
}
export interface Size {
  width: number;
  height: number;
}
interface At {
  x: number;
  y: number;
}

const MARGIN = 20;
const READABLE = 0.75;
const HEIGHT_MAX = 720;

const extent = (nodes: readonly At[]) => {
  const [xs, ys] = [nodes.map((node) => node.x), nodes.map((node) => node.y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left + NODE.width, height: Math.max(...ys) - top + NODE.height };
};

/** How large it is drawn in this width: never enlarged, never too small to read. */
export const zoomIn = (nodes: readonly At[], width: number) => Math.max(READABLE, Math.min(1, (width - 2 * MARGIN) / extent(nodes).width));

/** How high it stands on the page: as high as it is, up to a screen's height; beyond that it is moved under a frame. */
export function heightIn(nodes: readonly At[], width: number): { height: number; isCut: boolean } {
  const zoom = zoomIn(nodes, width);
  const { width: wide, height: high } = extent(nodes);
  const height = high * zoom + 2 * MARGIN;
  return { height: Math.min(HEIGHT_MAX, height), isCut: height > HEIGHT_MAX || wide * zoom + 2 * MARGIN > width + 1 };
}

/** In the middle of the space, where it fits; else from the first node on. */
export function fit(nodes: readonly At[], space: Size): View {
  const zoom = zoomIn(nodes, space.width);
  const { left, top, width, height } = extent(nodes);
  const first = nodes[0] ?? { x: 0, y: 0 };
  const isWide = width * zoom + 2 * MARGIN > space.width + 1;
  const isHigh = height * zoom + MARGIN > space.height;
  return {
    zoom,
    x: isWide ? MARGIN - left * zoom : (space.width - width * zoom) / 2 - left * zoom,
    y: isHigh ? space.height / 2 - (first.y + NODE.height / 2) * zoom : (space.height - height * zoom) / 2 - top * zoom,
  };
}

/** The least move that brings a node into the part of the space that is not covered on its right; null if it is there. */
export function reveal(node: At, view: View, space: Size, covered: number): View | null {
  const shift = (start: number, size: number, free: number) => {
    if (start < 0 || size > free) return MARGIN - start;
    return start + size > free ? free - MARGIN - (start + size) : 0;
  };
  const free = space.width - covered > NODE.width * view.zoom ? space.width - covered : space.width;
  const dx = shift(node.x * view.zoom + view.x, NODE.width * view.zoom, free);
  const dy = shift(node.y * view.zoom + view.y, NODE.height * view.zoom, space.height);
  return dx === 0 && dy === 0 ? null : { ...view, x: view.x + dx, y: view.y + dy };
}
