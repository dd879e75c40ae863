import { readFile } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";

import type { NamespaceApi } from "./admin.js";
import { Refused } from "./errors.js";
import { plain } from "./plain.js";
import { type Duration, type Schemas, waitMs } from "./words.js";

/** Virtual clock of a namespace. Timers that are due fire before a move returns the new time. */
export class Clock {
  readonly #api: NamespaceApi;

  /** @internal */
  constructor(api: NamespaceApi) {
    this.#api = api;
  }

  /** Return the current time of the clock. */
  async now(): Promise<Date> {
    return new Date((await this.#api.get("/clock")).now);
  }

  /** Move the clock forward: `advance("1h")`. */
  async advance(duration: Duration): Promise<Date> {
    waitMs(duration);
    return this.#move({ advance: duration });
  }

  /** Stop the clock now, or at an instant. */
  async freeze(at?: Date | string): Promise<Date> {
    return this.#move({ freeze: at ?? true });
  }

  /** Set the clock to an instant; it continues to run. */
  async at(instant: Date | string): Promise<Date> {
    return this.#move({ at: instant });
  }

  /** Continue a stopped clock. */
  async resume(): Promise<Date> {
    return this.#move({ resume: true });
  }

  /** Return to real time. */
  async reset(): Promise<Date> {
    return this.#move({ reset: true });
  }

  async #move(move: object): Promise<Date> {
    // It takes as long as its webhooks take.
    const { now } = await this.#api.post("/clock", { body: plain(move), waitMs: Infinity });
    return new Date(now);
  }
}

/** Key-value state of a namespace: text keys with JSON values. */
export class State {
  readonly #api: NamespaceApi;

  /** @internal */
  constructor(api: NamespaceApi) {
    this.#api = api;
  }

  /** Return all keys and values. */
  async all(): Promise<Record<string, any>> {
    return this.#api.reveal((query) => this.#api.get("/state", { query }));
  }

  /** Return one value; undefined if the key is missing. */
  async read(key: string): Promise<any> {
    try {
      return await this.#api.reveal((query) => this.#api.get("/state/{key}", { path: { key }, query }));
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Write some keys; null removes a key. */
  async write(values: Record<string, unknown>): Promise<void> {
    await this.#api.patch("/state", { body: plain(values) });
  }

  /** Replace the whole state by these values. */
  async replace(values: Record<string, unknown>): Promise<void> {
    await this.#api.put("/state", { body: plain(values) });
  }

  /** Delete these keys; without arguments, all keys. */
  async forget(...keys: string[]): Promise<void> {
    if (keys.length === 0) await this.#api.delete("/state");
    else await this.write(Object.fromEntries(keys.map((key) => [key, null])));
  }
}

/** Scenarios of a namespace. Changes are not written to files. */
export class Scenarios {
  readonly #api: NamespaceApi;

  /** @internal */
  constructor(api: NamespaceApi) {
    this.#api = api;
  }

  /** Return all scenarios, active or not. */
  async list(): Promise<Schemas["ScenarioView"][]> {
    return (await this.#api.get("/scenarios")).items;
  }

  /** Activate exactly these scenarios. Runtime routes stay active. */
  async use(...names: string[]): Promise<void> {
    await this.#api.post("/scenarios/use", { body: { names } });
  }

  /** Activate or deactivate one scenario. */
  async switch(name: string, active: boolean): Promise<void> {
    await this.#api.patch("/scenarios/{name}", { path: { name }, body: { active } });
  }

  /** Add a scenario, or replace the one of this name. */
  async put(name: string, scenario: Omit<Partial<Schemas["ScenarioSpec"]>, "scenario">): Promise<void> {
    await this.#api.put("/scenarios/{name}", { path: { name }, body: plain(scenario) });
  }

  /**
   * Add a scenario file to this namespace, and return the scenario's name. A scenario of the same name is replaced.
   *
   * `files` are the files that the scenario refers to, relative to it.
   */
  async load(path: string, { files = [] }: { files?: string[] } = {}): Promise<string> {
    const yaml = await readFile(path, "utf8");
    const contents = await Promise.all(files.map((file) => readFile(resolve(dirname(path), file), "base64")));
    const bundle = { yaml, files: Object.fromEntries(files.map((file, index) => [file, contents[index]])) };
    const name = /^scenario:\s*(?:"(.+?)"|'(.+?)'|([^\s#]+))/m.exec(yaml)?.slice(1).find(Boolean) ?? basename(path, extname(path));
    const view = await this.#api.put("/scenarios/{name}", { path: { name }, body: plain(bundle) });
    return view.name;
  }

  /** Remove a scenario. */
  async remove(name: string): Promise<void> {
    await this.#api.delete("/scenarios/{name}", { path: { name } });
  }
}

/** A change that lasts until `end()`, or until the end of the block with `await using`. */
export class Pause {
  readonly #end: () => Promise<unknown>;

  /** @internal */
  constructor(end: () => Promise<unknown>) {
    this.#end = end;
  }

  async end(): Promise<void> {
    await this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
