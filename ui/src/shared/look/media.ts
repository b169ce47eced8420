// Whether the page is as narrow as a phone; the same width as in the style sheets.
import { useSyncExternalStore } from "react";

const narrow = window.matchMedia("(max-width: 720px)");
const subscribe = (listener: () => void) => {
  narrow.addEventListener("change", listener);
  return () => narrow.removeEventListener("change", listener);
};

export const useIsNarrow = () => useSyncExternalStore(subscribe, () => narrow.matches);
