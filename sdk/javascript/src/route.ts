import { type NamespaceApi, pages } from "./admin.js";
import { Call, Operations } from "./calls.js";
import { NAME, plain } from "./plain.js";
import { type AttemptWords, type Check, type RouteCheck, type RouteWords, type Schemas, type Step, type Waiting, waitMs, withMatch } from "./words.js";

/** How calls are grouped into operations. */
export interface Grouping {
  /** A selector whose value is equal in all attempts of one operation, or `route`. */
  by?: string;
  /** Fields that differ in each attempt, such as `json.line`. */
  ignore?: string | string[];
}

/** A route of one namespace. It answers after the first call of `reply`, which must be awaited. */
export class Route {
  readonly #api: NamespaceApi;
  readonly #document: Record<string, unknown>;
  #id: string | undefined;

  /** @internal */
  constructor(api: NamespaceApi, id: string | undefined, document: Record<string, unknown> = {}) {
    this.#api = api;
    this.#id = id;
    this.#document = document;
  }

  /** Id, `scenario/name`, as in the admin API and in reports; or the name that `mock.route()` was given. */
  get id(): string {
    if (this.#id === undefined) {
      throw new TypeError(`The route ${this.#document.request} does not answer yet: await .reply(…) first, such as .reply(200)`);
    }
    return this.#id;
  }

  [NAME](): string {
    return this.id;
  }

  /**
   * Set what the route answers: `reply(503, 503, {json: {…}})` is a sequence of three steps.
   *
   * A further call starts a new sequence.
   */
  async reply(...steps: [Step, ...Step[]]): Promise<this> {
    return this.#write({ reply: steps.length === 1 ? steps[0] : steps });
  }

  /** Forward requests to the real service at this URL instead of replying. The server must allow its host. */
  async proxy(to: string): Promise<this> {
    return this.#write(this.#id === undefined ? { proxy: to } : { proxy: to, reply: null });
  }

  /** Change other keys of the route, such as `priority` or `expect`; null removes a key. */
  async update(words: { [K in keyof RouteWords]: RouteWords[K] | null }): Promise<this> {
    return this.#write(withMatch(words));
  }

  async #write(change: Record<string, unknown>): Promise<this> {
    const view =
      this.#id === undefined
        ? await this.#api.post("/routes", { body: plain({ ...this.#document, ...change }) })
        : await this.#api.patch("/routes/{id}", { path: { id: this.#id }, body: plain(change) });
    this.#id = view.id;
    return this;
  }

  /** Remove the route from this namespace. */
  async remove(): Promise<void> {
    await this.#api.delete("/routes/{id}", { path: { id: this.id } });
  }

  /** Return the route as it was written, with `step`, `calls` and `exhausted`. */
  async info(): Promise<Schemas["RouteView"]> {
    return this.#api.get("/routes/{id}", { path: { id: this.id } });
  }

  /** Return the calls of the route, oldest first. */
  async calls(): Promise<Call[]> {
    return callsOf(this.#api, { route: this.id });
  }

  /** Return the number of calls. It is exact even if calls were dropped from the call log. */
  async count(): Promise<number> {
    return (await this.#api.post("/count", { body: { route: this.id } })).count;
  }

  /** Return the calls of the route grouped into operations. */
  async attempts(grouping: Grouping = {}): Promise<Operations> {
    return operationsOf(this.#api, grouping, this.id);
  }

  /**
   * Throw VerificationFailed unless the route was called so often (default: at least once).
   *
   * Conditions such as `json` count only the calls with such a request: `verify({times: 1, json: {amount: 5}})`.
   */
  async verify(check: RouteCheck = {}): Promise<void> {
    await verified(this.#api, { ...check, route: this.id });
  }

  /**
   * Throw VerificationFailed unless all attempts keep the rules, and the route was called so often (default: at least once).
   *
   * Example: `assertAttempts({times: 3, operations: 1, same: ["headers.idempotency-key", "body"]})`.
   */
  async assertAttempts({ times, within, quiet, ...attempts }: AttemptWords & Waiting): Promise<void> {
    const rules = Object.keys(attempts).length > 0 ? { attempts } : {};
    await verified(this.#api, { route: this.id, times, within, quiet, ...rules });
  }
}

/** Throw VerificationFailed unless all these checks pass. */
export async function verified(api: NamespaceApi, ...checks: Check[]): Promise<void> {
  const waits = checks.map(({ within, quiet }) => waitMs(within, quiet));
  const documents = checks.map((check) => plain(checkDocument(check)));
  await api.post("/verify", { body: documents.length === 1 ? documents[0] : documents, waitMs: Math.max(...waits) });
}

function checkDocument(check: object): Record<string, unknown> {
  const document = withMatch(check);
  return Array.isArray(document.in_order) ? { ...document, in_order: document.in_order.map(withMatch) } : document;
}

/** Return the calls of a namespace, or of one route, with secrets if the server shows them. */
export async function callsOf(api: NamespaceApi, filter: { route?: string; q?: string } = {}): Promise<Call[]> {
  const views = await api.reveal((reveal) => pages((page) => api.get("/calls", { query: { ...page, ...reveal, ...filter } })));
  return views.map((view) => new Call(view as Schemas["CallView"]));
}

/** Return the operations of a namespace, or of one route. */
export async function operationsOf(api: NamespaceApi, { by, ignore }: Grouping, route?: string): Promise<Operations> {
  const query = { by, ignore: typeof ignore === "string" ? ignore : ignore?.join(","), route };
  const operations = new Operations();
  const found = await pages(async (page) => {
    const answer = await api.get("/attempts", { query: { ...page, ...query } });
    operations.amplification = answer.amplification;
    operations.mostInFlight = answer.most_in_flight;
    return answer;
  });
  operations.push(...found);
  return operations;
}
