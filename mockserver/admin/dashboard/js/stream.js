/**
 * The calls of a namespace, as they end, however often the connection drops.
 *
 * It resumes behind the last event that it saw. Where the server could no
 * longer tell what came between, or is another one than before, it says so
 * and the list is read again: calls are known by their numbers, so nothing is
 * there twice.
 */

import { EventReader } from "./events.js";

const SILENCE_MS = 20_000; // the server speaks every 15 s
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

export class Stream {
  /** `on`: `calls(list)`, `missed(number, resumed)`, `state(word, detail)`, `restarted()`, `gone(problem)`. */
  constructor(api, on) {
    this._api = api;
    this._on = on;
    this._run = 0;
    this._started = null;
    this.state = "off";
  }

  /** Begins behind the call of that id, and ends what ran before. */
  start(after) {
    this._begin("/calls/stream?brief=true", {}, after);
  }

  /** Begins with what is recorded in any namespace. There is no way back into this stream: it begins anew. */
  startAll() {
    this._begin("/stream", { namespace: null }, null);
  }

  _begin(path, options, after) {
    this.stop();
    this._path = path;
    this._options = options;
    this._last = after;
    this._started = null;
    void this._follow(this._run);
  }

  stop() {
    this._run += 1;
    this._abort?.abort();
    clearTimeout(this._timer);
    this._wake?.();
  }

  /** Tries again now, and not when the wait is over. */
  retry() {
    this._wake?.();
  }

  _say(state, detail = "") {
    this.state = state;
    this._on.state(state, detail);
  }

  async _follow(run) {
    let wait = FIRST_WAIT_MS;
    let resumed = false;
    while (run === this._run) {
      let why = "the connection ended";
      try {
        this._say(resumed ? "reconnecting" : "connecting");
        if ((await this._isAnother()) || (resumed && this._last === null)) return this._on.restarted();
        if (run !== this._run) return;
        await this._read(run, resumed, () => (wait = FIRST_WAIT_MS));
      } catch (problem) {
        if (run !== this._run) return;
        why = problem.title || problem.message;
        if (problem.status === 404) return this._on.gone(problem);
      }
      if (run !== this._run) return;
      resumed = true;
      this._say("lost", why);
      await this._pause(wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** Whether the server is one that was started since: its numbers begin anew. */
  async _isAnother() {
    const { started } = await this._api.get("/health", { namespace: null });
    const another = this._started !== null && started !== this._started;
    this._started ??= started;
    return another;
  }

  async _read(run, resumed, connected) {
    const abort = (this._abort = new AbortController());
    const headers = this._last === null ? {} : { "Last-Event-ID": this._last };
    const answer = await this._api.open(this._path, { ...this._options, headers, signal: abort.signal });
    const reader = answer.body.getReader();
    const events = new EventReader();
    let first = true;
    for (;;) {
      const watchdog = setTimeout(() => abort.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(watchdog));
      if (run !== this._run) return;
      if (done) return;
      connected();
      if (this.state !== "live") this._say("live");
      const told = events.read(value);
      this._take(told, resumed && first);
      first &&= told.every((one) => one.data === null);
    }
  }

  _take(events, resumed) {
    const calls = [];
    for (const { id, event, data } of events) {
      if (event === "call") {
        calls.push(JSON.parse(data));
        if (this._last !== null) this._last = id;
      } else if (event === "dropped") {
        this._on.missed(JSON.parse(data).dropped, resumed);
      }
    }
    if (calls.length) this._on.calls(calls);
  }

  _pause(ms) {
    return new Promise((done) => {
      this._wake = done;
      this._timer = setTimeout(done, ms);
    });
  }
}
