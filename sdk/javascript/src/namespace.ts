import { AdminApi, NamespaceApi, type NamespacePaths, pages, type ServerPaths } from "./admin.js";
import { Call, type Operations, Unmatched } from "./calls.js";
import { Clock, Pause, Scenarios, State } from "./controls.js";
import type { Http } from "./http.js";
import { plain } from "./plain.js";
import { reportOf } from "./report.js";
import { callsOf, type Grouping, operationsOf, Route, verified } from "./route.js";
import { type Check, type Duration, type MatchWords, type NamedRoute, type RouteWords, type Schemas, type Step, type Waiting, withMatch } from "./words.js";

/** What selects effects, and how many are expected. */
export interface EffectCheck extends Waiting {
  /** Conditions on fields of the effects. */
  where?: Record<string, unknown>;
}

/** What selects webhooks, and how many are expected. */
export interface WebhookCheck extends Waiting {
  route?: string | NamedRoute;
  /** Default: `delivered`. */
  outcome?: "delivered" | "refused" | "failed" | "dropped";
}

/** When an outage ends, and which calls it affects. */
export interface OutageOptions {
  /** Only these routes. */
  routes?: (string | NamedRoute)[];
  /** Number of first calls that are not affected. */
  skip?: number;
  /** Number of calls after which it ends. */
  times?: number;
  /** Duration after which it ends, by the virtual clock. */
  for?: Duration;
  /** Whether it may affect no call. */
  optional?: boolean;
}

/** A failure of one call of a route. */
export type Trouble = Omit<Schemas["PlacedTroubleSpec"], "route"> & { route: string | NamedRoute };

/** What `reset` can reset. */
export type Part = "calls" | "memory" | "positions" | "routes" | "clock" | "seed";

/** One isolated namespace of a mock server. `url` is the base URL for the application under test. */
export class Namespace {
  /** The admin API of this namespace, typed by its OpenAPI document. */
  readonly admin: AdminApi<NamespacePaths>;
  readonly clock: Clock;
  readonly state: State;
  readonly scenarios: Scenarios;
  readonly #api: NamespaceApi;

  /** @internal */
  constructor(
    http: Http,
    readonly name: string,
    readonly url: string,
    /** Seed of random values, if it is known. */
    readonly seed?: string,
  ) {
    this.#api = new NamespaceApi(http, name === "default" ? "" : `/@${encodeURIComponent(name)}`);
    this.admin = this.#api;
    this.clock = new Clock(this.#api);
    this.state = new State(this.#api);
    this.scenarios = new Scenarios(this.#api);
  }

  /** Headers that select this namespace, for an application that has one base URL for all tests. */
  get headers(): Record<string, string> {
    return { "x-mockserver-namespace": this.name };
  }

  /** URL of the admin API of this namespace. */
  get adminUrl(): string {
    return `${this.#api.http.url}${this.#api.prefix}`;
  }

  /** URL of the dashboard of this namespace. */
  get dashboardUrl(): string {
    return `${this.#api.http.url}/ui/#/@${encodeURIComponent(this.name)}/calls`;
  }

  /** Return a route for GET and HEAD. It answers after the first call of `.reply(…)`. */
  get(path: string, words?: RouteWords): Route {
    return this.on(`GET ${path}`, words);
  }

  post(path: string, words?: RouteWords): Route {
    return this.on(`POST ${path}`, words);
  }

  put(path: string, words?: RouteWords): Route {
    return this.on(`PUT ${path}`, words);
  }

  patch(path: string, words?: RouteWords): Route {
    return this.on(`PATCH ${path}`, words);
  }

  delete(path: string, words?: RouteWords): Route {
    return this.on(`DELETE ${path}`, words);
  }

  head(path: string, words?: RouteWords): Route {
    return this.on(`HEAD ${path}`, words);
  }

  options(path: string, words?: RouteWords): Route {
    return this.on(`OPTIONS ${path}`, words);
  }

  /** Return a route for every method. */
  any(path: string, words?: RouteWords): Route {
    return this.on(`ANY ${path}`, words);
  }

  /** Return a route for a request line, such as `on("GET,PUT /items/{id}")`. */
  on(request: string, words: RouteWords = {}): Route {
    return new Route(this.#api, undefined, { request, ...withMatch(words) });
  }

  /** Return an existing route by its id, or by its name if that is unique. It is looked up at first use. */
  route(name: string): Route {
    return new Route(this.#api, name);
  }

  /** Return all routes, active or not. */
  async routes(): Promise<Route[]> {
    return (await this.#api.get("/routes")).items.map((view) => new Route(this.#api, view.id));
  }

  /** Return all calls, oldest first. */
  async calls(): Promise<Call[]> {
    return callsOf(this.#api);
  }

  /** Return the calls with this text, in any case, in the target, the headers or the body of the request or its reply. */
  async findCalls(text: string): Promise<Call[]> {
    return callsOf(this.#api, { q: text });
  }

  /** Delete one completed call from the call log and the counts. What it did stays: state, steps, effects, webhooks. */
  async deleteCall(call: Call | string): Promise<void> {
    await this.#api.delete("/calls/{id}", { path: { id: typeof call === "string" ? call : call.id } });
  }

  /** Return the unmatched requests, each with the nearest routes and a `suggestion`. */
  async unmatched(): Promise<Unmatched[]> {
    const views = await this.#api.reveal((reveal) => pages((page) => this.#api.get("/unmatched", { query: { ...page, ...reveal } })));
    return views.map((view) => new Unmatched(view));
  }

  /** Return the calls grouped into operations. */
  async attempts({ route, ...grouping }: Grouping & { route?: string | NamedRoute } = {}): Promise<Operations> {
    return operationsOf(this.#api, grouping, typeof route === "object" ? route.id : route);
  }

  /** Return the effects of one kind, or all: what really happened at the service. */
  async effects(kind?: string): Promise<Record<string, any>[]> {
    return (await this.#api.reveal((reveal) => this.#api.get("/effects", { query: { ...reveal, kind } }))).items;
  }

  /** Return all webhook deliveries, each with its attempts. */
  async webhooks(): Promise<Schemas["DeliveryView"][]> {
    return (await this.#api.reveal((query) => this.#api.get("/webhooks", { query }))).items;
  }

  /** Return how often a request was sent: `count("POST /refunds", {json: {amount: 5}})`. */
  async count(request: string, match: MatchWords = {}): Promise<number> {
    return (await this.#api.post("/count", { body: plain({ request, ...withMatch(match) }) })).count;
  }

  /** Return all counts. They are exact even if calls were dropped from the call log. */
  async counts(): Promise<Schemas["CountsView"]> {
    return this.#api.get("/counts");
  }

  /** Return which route would answer a request, and why others would not: `explain("POST /charges", {json: {…}})`. */
  async explain(request: string, parts: object = {}): Promise<Schemas["ExplainView"]> {
    return this.#api.post("/explain", { body: plain({ request, ...parts }) });
  }

  /**
   * Throw VerificationFailed, with the relevant calls, unless all checks pass.
   *
   * Without arguments, check every `expect`, that no request was unmatched, and that no webhook failed.
   */
  async verify(...checks: Check[]): Promise<void> {
    if (checks.length === 0) await this.#api.get("/verify");
    else await verified(this.#api, ...checks);
  }

  /** Throw VerificationFailed unless there are so many effects of a kind (default: at least one). */
  async assertEffects(kind: string, { where, ...waiting }: EffectCheck = {}): Promise<void> {
    await this.verify({ effects: { kind, where: where as Schemas["EffectsSpec"]["where"] }, ...waiting });
  }

  /** Throw VerificationFailed unless so many webhooks (default: at least one) have this outcome. */
  async assertWebhooks({ route, outcome, ...waiting }: WebhookCheck = {}): Promise<void> {
    const name = typeof route === "object" ? route.id : route;
    await this.verify({ webhooks: { route: name, outcome }, ...waiting });
  }

  /** Reset these parts; without arguments, all except `seed`. */
  async reset(...what: Part[]): Promise<void> {
    await this.#api.post("/reset", { body: what.length > 0 ? { what } : {} });
  }

  /** Save memory, sequence state, routes and clock; `end()` restores them. */
  async rollback(): Promise<Pause> {
    const { id } = await this.#api.post("/snapshot");
    return new Pause(() => this.#api.post("/restore", { body: { id } }));
  }

  /** Take the service, or some routes, down until `end()`: `outage(503, {times: 2})`. */
  async outage(reply: Step, options: OutageOptions = {}): Promise<Pause> {
    await this.#api.put("/outage", { body: plain({ ...options, reply }) });
    return new Pause(() => this.#api.delete("/outage"));
  }

  /** Inject failures into selected calls until `end()`: `trouble({route, call: 2, after: {fault: "reset"}})`. */
  async trouble(...troubles: [Trouble, ...Trouble[]]): Promise<Pause> {
    await this.#api.put("/troubles", { body: plain(troubles) });
    return new Pause(() => this.#api.delete("/troubles"));
  }

  /** Return the calls of this namespace and what is wrong with unmatched ones, as text. Secrets are masked. */
  async report(): Promise<string> {
    return reportOf(this.#api, this.url);
  }

  /** Keep this namespace for inspection: it is removed after it was idle for an hour. */
  async keep(): Promise<void> {
    await this.#server.post("/namespaces/{name}/keep", { path: { name: this.name }, body: {} });
  }

  /** Remove this namespace and its data. */
  async remove(): Promise<void> {
    await this.#server.delete("/namespaces/{name}", { path: { name: this.name } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  get #server(): AdminApi<ServerPaths> {
    return new AdminApi<ServerPaths>(this.#api.http, "");
  }
}
