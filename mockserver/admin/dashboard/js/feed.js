/** The calls of the namespace in sight: what is recorded already, then what happens, then what a dropped connection missed. */

import { idOf } from "./rows.js";
import { Stream } from "./stream.js";

const PAGE = 5000;

export class Feed {
  /** `on`: `added(seqs)`, `reset()`, `missed(number)`, `state(word, detail)`, `gone(problem)`. */
  constructor(api, rows, on) {
    this._api = api;
    this._rows = rows;
    this._on = on;
    this._missed = 0;
    this._turn = 0;
    this.stream = new Stream(api, {
      calls: (calls) => this._put(calls),
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
    this._rows.clear();
    this._setMissed(0);
    this._on.reset();
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
    this._rows.clear();
    this._setMissed(0);
    this._on.reset();
  }

  /** Fetches what could not be told, as far as it is recorded still. */
  async heal() {
    this._setMissed(0);
    const first = this._rows.size ? this._rows.row(this._rows.first).number : 0;
    await this._load(`/calls?brief=true&since=${idOf(Math.max(0, first - 1))}`, this._turn);
  }

  /** The id of the last call that was over before the list was asked for, behind which the stream goes on. */
  async _load(path, turn) {
    let last = "c-000000";
    for await (const items of this._api.pages(`${path}&limit=${PAGE}`)) {
      if (turn !== this._turn) return last;
      const over = items.filter((one) => one.outcome !== "open");
      this._put(over);
      if (over.length) last = over.at(-1).id;
    }
    return last;
  }

  _put(calls) {
    const added = [];
    for (const call of calls) if (this._rows.put(call)) added.push(this._rows.next - 1);
    this._on.added(added, calls);
  }

  _lost(number, resumed) {
    if (resumed) return void this.heal();
    return this._setMissed(this._missed + number);
  }

  _setMissed(number) {
    this._missed = number;
    this._on.missed(number);
  }
}
