// Server-sent events, read from a fetched body: fetch can send headers and sees status codes, EventSource can and does not.

export interface ServerEvent {
  id?: string;
  event: string;
  data: string;
}

const EVENT_CHARS_MAX = 32 * 1024 * 1024;

/** Takes text as it arrives and gives whole events; a comment line gives nothing. */
export class EventReader {
  #rest = "";
  #id: string | undefined;
  #event = "";
  #data: string[] = [];

  /** The events that end in this piece of text. */
  take(text: string): ServerEvent[] {
    this.#rest += text;
    const events: ServerEvent[] = [];
    for (;;) {
      const end = this.#rest.search(/\r\n|\n|\r(?!$)/);
      if (end < 0) break;
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + (this.#rest.startsWith("\r\n", end) ? 2 : 1));
      this.#line(line, events);
    }
    if (this.#rest.length > EVENT_CHARS_MAX) throw new Error("an event of the stream has no end");
    return events;
  }

  #line(line: string, events: ServerEvent[]) {
    if (line === "") {
      if (this.#data.length > 0 || this.#event !== "") {
        events.push({ event: this.#event || "message", data: this.#data.join("\n"), ...(this.#id === undefined ? {} : { id: this.#id }) });
      }
      this.#event = "";
      this.#data = [];
      this.#id = undefined;
      return;
    }
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id") this.#id = value;
  }
}
