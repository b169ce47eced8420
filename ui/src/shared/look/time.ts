// Times: relative in the text, absolute on hover; `t` switches for everybody at once.

const STEPS: [number, string][] = [
  [60, "s"],
  [3_600, "m"],
  [86_400, "h"],
  [Infinity, "d"],
];

/** `4s`, `3m`, `2h`, `5d`; a future instant is `in 4s`. */
export function ago(at: string, now: number): string {
  const seconds = Math.round((now - Date.parse(at)) / 1_000);
  if (Number.isNaN(seconds)) return at;
  const size = Math.abs(seconds);
  const at_step = STEPS.findIndex(([below]) => size < below);
  const unit = STEPS[at_step]?.[1] ?? "d";
  const per = at_step <= 0 ? 1 : (STEPS[at_step - 1]?.[0] ?? 1);
  const amount = `${Math.floor(size / per)}${unit}`;
  return seconds < -1 ? `in ${amount}` : amount;
}

/** ISO with the zone of the reader: `2026-11-21 14:05:09 +01:00`. */
export function absolute(at: string | number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = -date.getTimezoneOffset();
  const zone = minutes === 0 ? "Z" : ` ${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(at)}${zone}`;
}

/** An instant where there is little room: `14:05:09` today, `11-20 14:05` this year, else the day; all of it is on hover. */
export function compact(at: string, now: number): string {
  const whole = absolute(at);
  const today = absolute(now);
  if (whole.slice(0, 10) === today.slice(0, 10)) return clock(at);
  return whole.slice(0, 4) === today.slice(0, 4) ? whole.slice(5, 16) : whole.slice(0, 10);
}

/** `2026-11-21T14:05` of the reader's clock, as a field for an instant wants it; empty if it is none. */
export function localOf(at: string): string {
  const whole = absolute(at);
  return Number.isNaN(Date.parse(at)) ? "" : `${whole.slice(0, 10)}T${whole.slice(11, 16)}`;
}

/** `14:05:09`. */
export function clock(at: string | number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((value) => String(value).padStart(2, "0")).join(":");
}

/** How long something took. */
export function took(from: string, until: string): string {
  const ms = Date.parse(until) - Date.parse(from);
  if (ms < 1_000) return `${Math.max(0, ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} m ${Math.round((ms % 60_000) / 1_000)} s`;
}
