// Versions are the heroes: how a label is taken apart, and how a long one is cut.

export interface Part {
  name: string;
  version: string;
}

/** `account-info 2.3.0, fund-transfer 1.5.1` is two parts; a part without a space is a version alone. */
export function partsOf(label: string): Part[] {
  return label
    .split(", ")
    .filter((part) => part !== "" && part !== "–")
    .map((part) => {
      const space = part.lastIndexOf(" ");
      return space < 0 ? { name: "", version: part } : { name: part.slice(0, space), version: part.slice(space + 1) };
    });
}

/** Cuts in the middle, so that both the number and the build at the end stay readable. */
export function cutMiddle(text: string, max: number): string {
  const letters = [...text];
  if (letters.length <= max) return text;
  const kept = max - 1;
  const head = Math.ceil(kept * 0.6);
  return `${letters
    .slice(0, head)
    .join("")
    .replace(/[.+-]+$/, "")}…${letters.slice(letters.length - (kept - head)).join("")}`;
}

/** A digest, commit or hash as people compare them: its first characters, with the algorithm or format kept off. */
export function short(id: string, length = 8): string {
  return (id.includes(":") ? id.slice(id.indexOf(":") + 1) : id).slice(0, length);
}

/** `127.0.0.1:7450/fund-transfer` is `fund-transfer`; `http://host/bank.git` is `bank`. */
export function lastOf(url: string): string {
  return (url.replace(/\/+$/, "").split("/").pop() ?? url).replace(/\.git$/, "");
}
