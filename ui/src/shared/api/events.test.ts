import { expect, test } from "vitest";
import { EventReader } from "./events.ts";

const whole = 'id: 3:7\nevent: board\ndata: {"a":\ndata: 1}\n\n: heartbeat\n\nevent: resync\r\ndata: {}\r\n\r\n';
const wanted = [
  { id: "3:7", event: "board", data: '{"a":\n1}' },
  { event: "resync", data: "{}" },
];

test("events are read whole, comments give nothing", () => expect(new EventReader().take(whole)).toEqual(wanted));

test("wherever the text is cut, the events are the same", () => {
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const reader = new EventReader();
    expect([...reader.take(whole.slice(0, cut)), ...reader.take(whole.slice(cut))], `cut at ${cut}`).toEqual(wanted);
  }
});

test("a half event is not given", () => expect(new EventReader().take("event: board\ndata: {}\n")).toEqual([]));
