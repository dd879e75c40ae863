/** What the views share: the API, the calls, the routes, and where one is. */

import { ALL, Api } from "./api.js";
import { askToken, showKeys, showLegend } from "./dialogs.js";
import { Feed } from "./feed.js";
import { Header } from "./header.js";
import { show } from "./dom.js";
import { readPlace, writePlace } from "./place.js";
import { numberOf, Rows } from "./rows.js";
import { Theme } from "./theme.js";
import { asMapping } from "./unmatched.js";

const REFRESH_MS = 1000;
const LOOK_MS = 2500;
const REST_FACTOR = 40;
/** The views that are of the server, or of all namespaces. */
const OF_ALL = new Set(["calls", "namespaces", "sweeps", "replicas"]);
/** The views that take the server longest: they are drawn again for calls and outages only. */
const COSTLY = new Set(["calls", "attempts", "load"]);

export class App {
  /** `views` maps a name to the class of its view. */
  constructor(views) {
    this.api = new Api(askToken);
    this.rows = new Rows();
    this.routes = [];
    this.version = "";
    this._urls = new Map();
    this._views = new Map();
    this._theme = null;
    this._rest_ms = REFRESH_MS;
    this._isOut = false;
    this._wasLost = false;
    this._feed = new Feed(this.api, this.rows, {
      added: (seqs, calls) => this._added(seqs, calls),
      reset: () => this._views.get("calls").reset(),
      missed: (number, flood) => this._missed(number, flood),
      state: (word, detail) => this._connection(word, detail),
      gone: () => this._gone(),
    });
    for (const [name, View] of Object.entries(views)) this._views.set(name, new View(this));
    this._header = new Header(this, [...this._views].map(([name, { title, isSpecial }]) => ({ name, title, isSpecial })));
    this._main = document.createElement("main");
    this._main.id = "main";
    this._theme = new Theme(() => this._themed());
    this._themed();
  }

  async start() {
    document.body.replaceChildren(this._header.element, this._main);
    addEventListener("hashchange", () => void this._arrive());
    addEventListener("online", () => this.retry());
    setInterval(() => void this._look(), LOOK_MS);
    this.api.get("/health", { namespace: null }).then(({ version }) => (this.version = version), () => {});
    this.replicas().then(({ store }) => this._header.offer("replicas", store !== null), () => {});
    await this._arrive();
  }

  // Places

  get isAll() {
    return this.api.namespace === ALL;
  }

  /** The same, of another namespace: for what is shown of a call among those of all. */
  of(namespace) {
    return Object.assign(Object.create(this), { api: this.api.of(namespace), routes: [] });
  }

  href(view, id = null, namespace = this.api.namespace) {
    return writePlace({ namespace, view, id });
  }

  /** From one call to the next makes no history: Back leads out of the call. */
  go(view, id = null) {
    if (id && readPlace(location.hash).id && view === this._view) location.replace(this.href(view, id));
    else location.hash = this.href(view, id);
  }

  closeCall() {
    this.go("calls");
  }

  switchTo(namespace) {
    location.hash = writePlace({ namespace, view: this._view ?? "calls", id: null });
  }

  goTo(index) {
    const name = [...this._views].filter(([, { isSpecial }]) => !isSpecial).map(([one]) => one)[index];
    if (name) this.go(name);
  }

  /** Goes to the view beside this one, of those that the bar shows. */
  step(by) {
    const names = this._header.offered();
    this.go(names[(names.indexOf(this._view) + by + names.length) % names.length]);
  }

  async _arrive() {
    const { namespace, view, id } = readPlace(location.hash);
    const known = this._views.has(view) ? view : "calls";
    const name = namespace === ALL && !OF_ALL.has(known) ? "namespaces" : known;
    const another = namespace !== this.api.namespace || !this._view;
    this.api.namespace = namespace;
    const shown = this._views.get(name);
    this._header.place(name);
    const isNew = name !== this._view;
    if (isNew) {
      this._view = name;
      document.title = `${shown.title} · mockserver`;
      show(this._main, shown.element);
    }
    this._views.get("namespaces").wanted(name === known ? null : known);
    if (another) {
      this.badge("unmatched", 0);
      this._header.offer("failure", false);
      void this._feed.begin();
      void this._look();
      void this.loadRoutes();
    }
    if (isNew || (another && name !== "calls")) void shown.shown();
    shown.open?.(id);
  }

  _gone() {
    this._header.connection("lost", `there is no namespace ${this.api.namespace}`);
    if (this.api.namespace !== "default") this.switchTo("default");
  }

  /** What views asked for while the connection was lost is asked for again. */
  _connection(word, detail) {
    this._header.connection(word, detail);
    if (word === "live" && this._wasLost) void this.loadRoutes().then(() => this._refreshSoon());
    this._wasLost = word === "lost" || (this._wasLost && word !== "live");
  }

  // Calls

  _added(seqs, calls) {
    this._views.get("calls").added(seqs);
    if (calls.some((one) => !one.matched && !one.automatic)) this._unmatchedAsked = true;
    this._refreshSoon();
  }

  _missed(number, flood) {
    this._views.get("calls").missed(number, flood);
    if (!flood) return;
    this._unmatchedAsked = true; // perhaps; nobody told
    this._refreshSoon();
  }

  clearCalls() {
    this._feed.clear();
  }

  reloadCalls() {
    void this._feed.begin();
  }

  retry() {
    this._feed.stream.retry();
  }

  /** The view in sight is drawn anew, however many calls come at most once a second, and less often where that takes the server long. */
  _refreshSoon() {
    if (this._soon) {
      this._again = true;
      return;
    }
    this._soon = setTimeout(async () => {
      const began = performance.now();
      await this._refresh();
      this._rest_ms = Math.max(REFRESH_MS, REST_FACTOR * (performance.now() - began));
      this._soon = null;
      if (this._again) this._refreshSoon();
      this._again = false;
    }, this._rest_ms);
  }

  async _refresh() {
    try {
      if (this._unmatchedAsked && !this.isAll) {
        this._unmatchedAsked = false;
        this.badge("unmatched", (await this.api.get("/counts")).unmatched);
      }
      await this._views.get(this._view).changed?.();
    } catch {
      // The header says that the connection is lost; the next call or look tries again.
    }
  }

  /** What no call tells of: outages, other people's namespaces, webhooks on their way. */
  async _look() {
    if (document.hidden) return;
    try {
      const { failed_test: failed } = (await this.loadNamespaces()).find((one) => one.name === this.api.namespace) ?? {};
      this._header.offer("failure", Boolean(failed));
      this.outageIs(this.isAll ? null : await this.api.get("/outage"));
    } catch {
      // As above. What can be asked for all the same, the view shows.
    }
    try {
      if (!COSTLY.has(this._view)) await this._views.get(this._view).changed?.();
    } catch {
      // As above.
    }
  }

  badge(view, number) {
    this._header.badge(view, number);
  }

  outageIs(outage) {
    this._header.outage(outage);
    if (this._isOut !== Boolean(outage)) this._refreshSoon();
    this._isOut = Boolean(outage);
  }

  // What views ask of the server

  async loadRoutes() {
    if (this.isAll) return (this.routes = []);
    this.routes = (await this.api.get("/routes")).items;
    return this.routes;
  }

  /** A request that a route here takes by its path alone, to begin with. */
  async example() {
    const { items } = await this.api.get("/scenarios");
    const bases = new Map(items.filter((one) => one.active && !one.host).map((one) => [one.name, one.base ?? ""]));
    const routes = this.routes.length ? this.routes : await this.loadRoutes();
    const plain = routes.filter((one) => one.match === undefined && /^[A-Z]+ \/[\w./-]*$/.test(one.request) && (bases.has(one.scenario) || one.scenario === "runtime"));
    const [method, path] = (plain[0]?.request ?? "GET /").split(" ");
    return { method, path: (bases.get(plain[0]?.scenario) ?? "") + path };
  }

  routeOf(id) {
    return this.routes.find((one) => one.id === id);
  }

  async loadNamespaces() {
    const { items } = await this.api.get("/namespaces", { namespace: null });
    const sign = JSON.stringify([items.map((one) => [one.name, one.failed_test]), this.api.namespace]);
    for (const one of items) this._urls.set(one.name, one.url);
    if (sign !== this._known) {
      this._known = sign;
      this._header.namespaces(items, this.api.namespace);
    }
    return items;
  }

  /** Where the application reaches this namespace's service. */
  mockBase() {
    const { namespace } = this.api;
    return this._urls.get(namespace) ?? (namespace === "default" ? location.origin : `${location.origin}/@${namespace}`);
  }

  async unmatchedOf(id) {
    const before = numberOf(id) - 1;
    const { items } = await this.api.get(`/unmatched?limit=1${before > 0 ? `&cursor=c-${String(before).padStart(6, "0")}` : ""}`);
    return items.find((one) => one.id === id) ?? null;
  }

  async addSuggested(call) {
    const route = await this.api.send("POST", "/routes", { yaml: asMapping(call.suggestion) });
    await this.loadRoutes();
    return route;
  }

  replicas() {
    return this.api.get("/replicas", { namespace: null });
  }

  async schema() {
    return (this._schema ??= await this.api.get("/schema/scenario.json", { namespace: null }));
  }

  async changedRoutes() {
    await this.loadRoutes();
    await this._views.get(this._view).refresh?.();
  }

  async changedWorld() {
    await this._look();
    await this._views.get(this._view).refresh?.();
  }

  // Looks and keys

  theme() {
    return this._theme.seen;
  }

  nextTheme() {
    this._theme.next();
  }

  _themed() {
    if (!this._theme) return;
    this._header.theme(this._theme.choice);
    this._views.get(this._view)?.refresh?.();
  }

  showKeys() {
    showKeys();
  }

  focusFilter() {
    this.go("calls");
    setTimeout(() => this._views.get("calls").focusFilter());
  }

  pause() {
    if (this._view === "calls") this._views.get("calls").pause();
  }

  showLegend() {
    showLegend();
  }

  chooseNamespace() {
    this._header.chooseNamespace();
  }

  /** Esc. Whether there was anything to close. */
  closeOpen() {
    if (this._view !== "calls" || !readPlace(location.hash).id) return false;
    this.closeCall();
    return true;
  }
}
