// A time: how long ago, and the instant itself on hover.
import { useContext } from "react";
import { BoardContext } from "../live/hooks.ts";
import { absolute, ago, compact } from "./time.ts";
import { useClock } from "./clock.ts";

export function Ago({ at, suffix = "" }: { at: string | undefined; suffix?: string }) {
  const skew = useContext(BoardContext)?.skew ?? 0;
  const text = useClock((now, isAbsolute) => (at === undefined ? "" : isAbsolute ? compact(at, now) : ago(at, now + skew)));
  if (at === undefined) return null;
  const words = suffix !== "" && /^\d+[smhd]$/.test(text) ? `${text} ${suffix}` : text;
  return (
    <time dateTime={at} title={absolute(at)}>
      {words}
    </time>
  );
}
