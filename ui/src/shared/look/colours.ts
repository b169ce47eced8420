// Which colour a stage has: by its name, so that it stays when stages come and go.
const N_COLOURS = 8;

/** FNV-1a, whose last bits differ for names that differ in one letter. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

const ownColour = (name: string) => hashOf(name) % N_COLOURS;

/**
 * The colours of a project's stages, which are named in the order of the pipeline. Whoever is first of those with one colour of their own
 * keeps it; the others take the next that nobody has, so that a stage that comes can move none but those who had to give way. Where there
 * are more stages than colours, some share.
 */
export function coloursOf(names: readonly string[]): Map<string, number> {
  const colours = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of names) {
    const own = ownColour(name);
    if (taken.has(own)) continue;
    taken.add(own);
    colours.set(name, own);
  }
  for (const name of names) {
    if (colours.has(name)) continue;
    const own = ownColour(name);
    const free = Array.from({ length: N_COLOURS }, (_, by) => (own + by) % N_COLOURS).find((one) => !taken.has(one));
    taken.add(free ?? own);
    colours.set(name, free ?? own);
  }
  return colours;
}

/** A colour of the set, as the tokens name it. */
export const stageColour = (colour: number) => `var(--stage-${colour})`;
