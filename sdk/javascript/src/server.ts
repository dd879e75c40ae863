import { AdminApi, type ServerPaths } from "./admin.js";
import { type Child, serve, type StartOptions } from "./child.js";
import { Http } from "./http.js";
import { Namespace } from "./namespace.js";
import { plain } from "./plain.js";
import type { Duration, Schemas } from "./words.js";

/** How to reach a server that runs already. */
export interface ConnectOptions {
  /** Token of the admin API; default: MOCKSERVER_ADMIN_TOKEN, or none. */
  token?: string;
  /** URL of the admin API, if it has a separate port. */
  adminUrl?: string;
}

/** Settings of a new namespace; all are optional. */
export interface NamespaceOptions {
  /** Default: a generated name. */
  name?: string;
  /** Idle time after which it is removed; default: `"1h"`. */
  ttl?: Duration;
  /** Seed for random values; default: the name. */
  seed?: string | number;
  /** Scenarios that are active; default: all scenario files of the server. */
  scenarios?: string[];
}

const PATH = /^(.*?)(?:\/mock)?(?:\/@([^/]+))?\/?$/;

/** A mock server: one that `start()` started, or one that runs already. */
export class MockServer {
  /** The namespace `default`, or the one at the end of the URL, `/@NAME`. */
  readonly default: Namespace;
  /** The admin API of the server, typed by its OpenAPI document. */
  readonly admin: AdminApi<ServerPaths>;
  readonly #child: Child | undefined;

  private constructor(
    /** Base URL of the namespace `default`. */
    readonly url: string,
    http: Http,
    child?: Child,
  ) {
    const name = PATH.exec(new URL(url).pathname)?.[2];
    this.default = new Namespace(http, name === undefined ? "default" : decodeURIComponent(name), url);
    this.admin = new AdminApi<ServerPaths>(http, "");
    this.#child = child;
  }

  /**
   * Start `mockserver serve` as a child process on a free port. It ends with `close()`, and with this process.
   *
   * If MOCKSERVER_URL is set, connect to that server instead: then the same tests use a container. It must have loaded
   * the scenarios that the tests need.
   */
  static async start(options: StartOptions = {}): Promise<MockServer> {
    if (process.env.MOCKSERVER_URL) return MockServer.connect(process.env.MOCKSERVER_URL, { token: options.token });
    const token = tokenOf(options);
    const child = await serve({ ...options, token });
    return new MockServer(child.url, new Http(child.adminUrl, token), child);
  }

  /** Connect to the server at this URL, by default that of MOCKSERVER_URL. Throws Unreachable, and Refused for a wrong token. */
  static async connect(url = process.env.MOCKSERVER_URL, options: ConnectOptions = {}): Promise<MockServer> {
    if (!url) throw new TypeError("There is no URL: pass one, such as http://localhost:8080, or set MOCKSERVER_URL");
    const { origin, pathname } = parsedUrl(url);
    const adminUrl = options.adminUrl === undefined ? `${origin}${PATH.exec(pathname)?.[1] ?? ""}/__admin` : rooted(options.adminUrl);
    const server = new MockServer(url.replace(/\/+$/, ""), new Http(adminUrl, tokenOf(options)));
    await server.admin.get("/namespaces/{name}", { path: { name: server.default.name } });
    return server;
  }

  /** Create an isolated namespace. */
  async namespace(options: NamespaceOptions = {}): Promise<Namespace> {
    const view = await this.admin.post("/namespaces", { body: plain(options) });
    return new Namespace(this.admin.http, view.name, view.url, view.seed);
  }

  /** Return all namespaces of the server. */
  async namespaces(): Promise<Schemas["NamespaceView"][]> {
    return (await this.admin.get("/namespaces")).items;
  }

  /** Return version, uptime, and numbers of scenarios and routes. */
  async health(): Promise<Schemas["HealthView"]> {
    return this.admin.get("/health");
  }

  /** Whether `close()` ends the server: it was started by this process. */
  get isOwn(): boolean {
    return this.#child !== undefined;
  }

  /** End the server if it was started by this process. */
  async close(): Promise<void> {
    await this.#child?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function tokenOf({ token }: { token?: string }): string | undefined {
  return token ?? (process.env.MOCKSERVER_ADMIN_TOKEN || undefined);
}

function parsedUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol)) {
    throw new TypeError(`${JSON.stringify(url)} is not a URL of a mock server. Write it whole, such as http://localhost:8080`);
  }
  return parsed;
}

/** Return the URL of the admin API without a slash at its end; its path may be left out. */
function rooted(adminUrl: string): string {
  const { origin, pathname } = parsedUrl(adminUrl);
  return `${origin}${pathname === "/" ? "/__admin" : pathname.replace(/\/+$/, "")}`;
}
