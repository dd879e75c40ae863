/** The calls of the namespace in sight: what is recorded already, then what happens, then what a dropped connection missed. */

import { ALL } from "./api.js";
import { idOf } from "./rows.js";
import { Stream } from "./stream.js";

const PAGE = 5000;
const CALM_MS = 1500;
const WINDOW_MS = 1000;

export class Feed {
  /**
   * `on`: `added(seqs)`, `reset()`, `missed(number, flood)`, `state(word, detail)`, `gone(problem)`.
   *
   * `missed` are calls that are not in the list. `flood` is null unless they come too fast to be told of; it says
   * how many come a second, and how many of these are told, once that is known.
   */
  constructor(api, rows, on) {
    this._api = api;
    this._rows = rows;
    this._on = on;
    this._missed = 0;
    this._turn = 0;
    this._floor = 0; // the list was emptied by hand up to this number
    this._newest = 0;
    this._window = null;
    this.stream = new Stream(api, {
      calls: (calls) => this._told(calls),
      missed: (number, resumed) => this._lost(number, resumed),
      state: (word, detail) => on.state(word, detail),
      restarted: () => void this.begin(),
      gone: (problem) => on.gone(problem),
    });
  }

  /** From the record's beginning; what was in the list is gone. */
  async begin() {
    const turn = (this._turn += 1);
    this.stream.stop();
    this._floor = this._newest = 0;
    this._empty();
    if (this._api.namespace === ALL) return this.stream.startAll();
    let last = "c-000000";
    for (;;) {
      try {
        last = await this._load("/calls?brief=true", turn);
        break;
      } catch (problem) {
        if (problem.status === 404) return this._on.gone(problem);
        this._on.state("lost", problem.title);
        await new Promise((done) => setTimeout(done, 1000));
      }
      if (turn !== this._turn) return;
    }
    if (turn === this._turn) this.stream.start(last);
  }

  stop() {
    this._turn += 1;
    this.stream.stop();
  }

  /** Empties the list; the record stays. */
  clear() {
    this._floor = this._newest;
    this._empty();
  }

  _empty() {
    clearTimeout(this._calm);
    this._window = null;
    this._rows.clear();
    this._setMissed(0);
    this._on.reset();
  }

  /** Fetches what could not be told, as far as it is recorded still, and puts it where it belongs. */
  async heal() {
    clearTimeout(this._calm);
    this._window = null;
    const [turn, newest] = [this._turn, this._newest];
    const first = this._rows.size ? this._rows.row(this._rows.first).number : 0;
    const since = idOf(Math.max(this._floor, first - 1));
    let healed = 0;
    try {
      for await (const items of this._recorded(`/calls?brief=true&since=${since}`)) {
        if (turn !== this._turn) return;
        for (const call of items) if (call.outcome !== "open" && this._rows.put(call) && call.number <= newest) healed += 1;
      }
    } catch {
      return; // the connection is lost: when it is there again, the stream tells what is missing
    }
    this._rows.arrange();
    this._on.reset();
    this._setMissed(Math.max(0, this._missed - healed));
  }

  /** The id of the last call that was over before the list was asked for, behind which the stream goes on. */
  async _load(path, turn) {
    let last = "c-000000";
    for await (const items of this._recorded(path)) {
      if (turn !== this._turn) return last;
      const over = items.filter((one) => one.outcome !== "open");
      this._put(over);
      if (over.length) last = over.at(-1).id;
      this._newest = this._rows.newest;
    }
    return last;
  }

  /** What is recorded, page by page. Ends where calls are dropped from the record faster than they are fetched: it would never end. */
  async *_recorded(path) {
    let last = null;
    for await (const items of this._api.pages(`${path}&limit=${PAGE}`)) {
      yield items;
      if (last !== null && items[0]?.number > last + 1) return;
      last = items.at(-1)?.number ?? last;
    }
  }

  _told(calls) {
    for (const { number } of calls) this._newest = Math.max(this._newest, number);
    if (this._window) this._window.told += calls.length;
    this._put(calls);
  }

  _put(calls) {
    const added = [];
    for (const call of calls) if (this._rows.put(call)) added.push(this._rows.next - 1);
    this._on.added(added, calls);
  }

  _lost(number, resumed) {
    this._missed += number;
    if (this._api.namespace === ALL) return this._on.missed(this._missed, {});
    if (resumed) {
      this._newest = Infinity; // whatever is recorded was missed
      return void this.heal().then(() => (this._newest = this._rows.newest));
    }
    clearTimeout(this._calm);
    this._calm = setTimeout(() => void this.heal(), CALM_MS);
    const now = performance.now();
    if (!this._window) {
      this._window = { since: now, told: 0, lost: 0 };
      return void this._on.missed(this._missed, {});
    }
    this._window.lost += number;
    const { since, told, lost } = this._window;
    const seconds = (now - since) / 1000;
    if (seconds * 1000 < WINDOW_MS) return;
    this._on.missed(this._missed, { came: (told + lost) / seconds, told: told / seconds });
    this._window = { since: now, told: 0, lost: 0 };
  }

  _setMissed(number) {
    this._missed = number;
    this._on.missed(number, null);
  }
}
