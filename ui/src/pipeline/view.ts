// Where the graph is looked at from: all of it if it can be read, else its beginning; and how far to move to see one node.
import { NODE } from "./layout.ts";

export interface View { x: number; y: number; zoom: number }
export interface Size { width: number; height: number }
interface At { x: number; y: number }

const MARGIN = 16;
const READABLE = 0.6;
const ENLARGED = 0.8;

/** All of the graph in the middle of the space; if it would be too small to read, its beginning, larger. */
export function fit(nodes: readonly At[], space: Size): View {
  const xs = nodes.map((node) => node.x);
  const ys = nodes.map((node) => node.y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const width = Math.max(...xs) - left + NODE.width;
  const height = Math.max(...ys) - top + NODE.height;
  const zoom = Math.min(1, (space.width - 2 * MARGIN) / width, (space.height - 2 * MARGIN) / height);
  if (zoom >= READABLE) {
    return { zoom, x: (space.width - width * zoom) / 2 - left * zoom, y: (space.height - height * zoom) / 2 - top * zoom };
  }
  // The first node begins at the left; what is higher than the space is centred on it.
  const first = nodes[0] ?? { x: 0, y: 0 };
  return { zoom: ENLARGED, x: MARGIN - left * ENLARGED, y: space.height / 2 - (first.y + NODE.height / 2) * ENLARGED };
}

/** The least move that brings a node into the part of the space that is not covered on its right; null if it is there. */
export function reveal(node: At, view: View, space: Size, covered: number): View | null {
  const shift = (start: number, size: number, free: number) => {
    if (start < MARGIN || size > free - 2 * MARGIN) return MARGIN - start;
    return Math.min(0, free - MARGIN - (start + size));
  };
  const free = space.width - covered > NODE.width * view.zoom ? space.width - covered : space.width;
  const dx = shift(node.x * view.zoom + view.x, NODE.width * view.zoom, free);
  const dy = shift(node.y * view.zoom + view.y, NODE.height * view.zoom, space.height);
  return dx === 0 && dy === 0 ? null : { ...view, x: view.x + dx, y: view.y + dy };
}
