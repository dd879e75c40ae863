/**
 * Up to 100,000 calls in brief, in columns: numbers in typed arrays, and texts that repeat written once.
 *
 * A row is known by its place `seq`, which counts up for ever; the oldest rows
 * give way. A call that is told again, by its number, is put in its own place.
 */

import { GRPC } from "./words.js";

export const LIMIT = 100_000;
/** Statuses of gRPC follow those of HTTP. */
const FIRST_GRPC = 1000;

export const MATCHED = 1;
export const AUTOMATIC = 2;
export const REPLAYED = 4;
export const INCOMPLETE = 8;
export const FAULT = 16;

/** Texts by small numbers. 0 is "none". */
class Words {
  constructor() {
    this.texts = [null];
    this._numbers = new Map();
  }

  number(text) {
    if (text === null || text === undefined) return 0;
    let number = this._numbers.get(text);
    if (number === undefined) {
      number = this.texts.push(text) - 1;
      this._numbers.set(text, number);
    }
    return number;
  }
}

const COLUMNS = ["_number", "_arrived", "_duration", "_status", "_step", "_route", "_others", "_method", "_outcome", "_flags", "_effects", "_webhooks", "_size", "_namespace", "_target"];

export class Rows {
  constructor(limit = LIMIT) {
    this.limit = limit;
    this.routes = new Words();
    this._lists = new Words(); // of the other routes of calls that have several
    this.namespaces = new Words(); // of calls that are told with their namespace
    this._words = new Words(); // methods, outcomes, faults
    this.clear();
  }

  clear() {
    const n = this.limit;
    this.next = 0;
    this._number = new Float64Array(n);
    this._arrived = new Float64Array(n);
    this._duration = new Float32Array(n);
    this._status = new Uint16Array(n);
    this._step = new Uint16Array(n);
    this._route = new Uint32Array(n);
    this._others = new Uint32Array(n);
    this._method = new Uint16Array(n);
    this._outcome = new Uint16Array(n);
    this._flags = new Uint8Array(n);
    this._effects = new Uint8Array(n);
    this._webhooks = new Uint8Array(n);
    this._size = new Float64Array(n);
    this._namespace = new Uint32Array(n);
    this._target = new Array(n).fill("");
    this._seqs = new Map();
    this.statuses = new Set();
  }

  /** The place of the oldest row. */
  get first() {
    return Math.max(0, this.next - this.limit);
  }

  get size() {
    return this.next - this.first;
  }

  /** Takes a call in brief. Whether it is a new one. */
  put(call) {
    const namespace = this.namespaces.number(call.namespace);
    const key = keyOf(call.namespace, call.number);
    const known = this._seqs.get(key);
    const seq = known ?? this.next++;
    const at = seq % this.limit;
    if (known === undefined) {
      if (seq >= this.limit) this._seqs.delete(this._keyAt(at));
      this._seqs.set(key, seq);
    }
    this._number[at] = call.number;
    this._arrived[at] = Date.parse(call.arrived);
    this._duration[at] = call.duration_ms ?? NaN;
    this._status[at] = call.grpc_status ? FIRST_GRPC + GRPC.indexOf(call.grpc_status) : (call.status ?? 0);
    this._step[at] = call.step ?? 0;
    this._route[at] = this.routes.number(call.route);
    const others = call.routes.slice(1);
    others.forEach((route) => this.routes.number(route));
    this._others[at] = this._lists.number(others.length ? others.join("\n") : null);
    this._method[at] = this._words.number(call.method);
    this._outcome[at] = this._words.number(call.outcome);
    this._size[at] = call.size ?? NaN;
    this._namespace[at] = namespace;
    this._flags[at] =
      (call.matched ? MATCHED : 0) | (call.automatic ? AUTOMATIC : 0) | (call.replayed ? REPLAYED : 0) |
      (call.complete ? 0 : INCOMPLETE) | (call.fault ? FAULT : 0);
    this._effects[at] = Math.min(255, call.effects);
    this._webhooks[at] = Math.min(255, call.webhooks);
    this._target[at] = call.target;
    this.statuses.add(call.grpc_status ?? call.status ?? 0);
    return known === undefined;
  }

  /** The largest number in it; 0 for none. */
  get newest() {
    let newest = 0;
    for (let seq = this.first; seq < this.next; seq += 1) newest = Math.max(newest, this._number[seq % this.limit]);
    return newest;
  }

  /** Puts the rows in the order of their numbers: each has another place then. */
  arrange() {
    const order = Array.from({ length: this.size }, (_, i) => (this.first + i) % this.limit).sort((a, b) => this._number[a] - this._number[b]);
    for (const name of COLUMNS) {
      const before = this[name].slice();
      order.forEach((at, i) => (this[name][i] = before[at]));
    }
    this.next = order.length;
    this._seqs = new Map(order.map((_, i) => [this._keyAt(i), i]));
  }

  _keyAt(at) {
    return keyOf(this.namespaces.texts[this._namespace[at]], this._number[at]);
  }

  /** The place of a call by its id, `checkout:c-000017` where its namespace is part of it. */
  seqOf(id) {
    const { namespace, call } = partsOf(id);
    return this._seqs.get(keyOf(namespace, numberOf(call)));
  }

  /** Compares places by what a column has; texts that repeat are compared once. */
  comparison(column) {
    const texts = { method: [this._method, this._words.texts], route: [this._route, this.routes.texts], namespace: [this._namespace, this.namespaces.texts] }[column];
    if (texts) {
      const [numbers, words] = texts;
      const order = words.map((_, i) => i).sort((a, b) => (words[a] ?? "").localeCompare(words[b] ?? ""));
      const ranks = [];
      order.forEach((number, rank) => (ranks[number] = rank));
      return (a, b) => ranks[numbers[a % this.limit]] - ranks[numbers[b % this.limit]];
    }
    if (column === "target") return (a, b) => (this._target[a % this.limit] < this._target[b % this.limit] ? -1 : Number(this._target[a % this.limit] > this._target[b % this.limit]));
    const values = { time: this._arrived, id: this._number, status: this._status, step: this._step, size: this._size, took: this._duration }[column];
    const value = (seq) => (Number.isNaN(values[seq % this.limit]) ? -1 : values[seq % this.limit]);
    return (a, b) => value(a) - value(b);
  }

  /** The row at that place, as an object. */
  row(seq) {
    const at = seq % this.limit;
    const duration = this._duration[at];
    return {
      seq,
      number: this._number[at],
      id: idOf(this._number[at]),
      namespace: this.namespaces.texts[this._namespace[at]],
      size: Number.isNaN(this._size[at]) ? null : this._size[at],
      arrived: this._arrived[at],
      duration: Number.isNaN(duration) ? null : duration,
      status: this._status[at] < FIRST_GRPC ? this._status[at] || null : GRPC[this._status[at] - FIRST_GRPC],
      step: this._step[at] || null,
      route: this.routes.texts[this._route[at]],
      others: this._lists.texts[this._others[at]],
      method: this._words.texts[this._method[at]],
      outcome: this._words.texts[this._outcome[at]],
      flags: this._flags[at],
      effects: this._effects[at],
      webhooks: this._webhooks[at],
      target: this._target[at],
    };
  }
}

/** `c-000017` of 17. */
export function idOf(number) {
  return `c-${String(number).padStart(6, "0")}`;
}

/** `{namespace, call}` of `checkout:c-000017`; a call of the namespace in sight has none. */
export function partsOf(id) {
  const at = id.lastIndexOf(":");
  return { namespace: at < 0 ? null : id.slice(0, at), call: id.slice(at + 1) };
}

function keyOf(namespace, number) {
  return namespace ? `${namespace}:${number}` : number;
}

export function numberOf(id) {
  return Number(id.replace(/^c-/, ""));
}
