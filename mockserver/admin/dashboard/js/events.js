/** Server-sent events (WHATWG HTML 9.2) out of a stream of bytes: fetch can send a token, EventSource can't. */

/** `read(chunk)` gives the events that have become whole: `{id, event, data}`. Comments are events without data. */
export class EventReader {
  constructor() {
    this._decoder = new TextDecoder();
    this._rest = "";
  }

  read(chunk) {
    const text = this._rest + this._decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    this._rest = blocks.pop();
    return blocks.map(eventOf);
  }
}

function eventOf(block) {
  const event = { id: null, event: "message", data: null };
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    if (at <= 0) continue;
    const name = line.slice(0, at);
    const value = line[at + 1] === " " ? line.slice(at + 2) : line.slice(at + 1);
    if (name === "data") event.data = event.data === null ? value : `${event.data}\n${value}`;
    else if (name in event) event[name] = value;
  }
  return event;
}
