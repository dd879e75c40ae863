import type { paths } from "./admin-api.js";
import { Refused } from "./errors.js";
import type { Http } from "./http.js";

type Method = "get" | "post" | "put" | "patch" | "delete";

/** Endpoints of one namespace, by their path below `/__admin/@NAME`. */
export type NamespacePaths = {
  [P in keyof paths as P extends `/__admin/@{namespace}${infer Rest}` ? Rest : never]: paths[P];
};

/** Endpoints of the server, by their path below `/__admin`. */
export type ServerPaths = {
  [P in keyof paths as P extends `/__admin/@{namespace}${string}` ? never : P extends `/__admin${infer Rest}` ? Rest : never]: paths[P];
};

type Operation<Paths, P extends keyof Paths, M extends Method> = Paths[P] extends { [K in M]: infer Op } ? Op : never;

type AnswerOf<R> = R extends { content: { "application/json": infer Body } } ? Body : R extends { content?: never } ? undefined : never;

/** What an operation answers with 200, 201 or 204; never if that is not JSON. */
type Answer<Op> = Op extends { responses: infer Responses }
  ? { [S in keyof Responses]: S extends 200 | 201 | 204 ? AnswerOf<Responses[S]> : never }[keyof Responses]
  : never;

/** Paths that have this method, and answer JSON or nothing. */
type PathsWith<Paths, M extends Method> = {
  [P in keyof Paths]: [Answer<Operation<Paths, P, M>>] extends [never] ? never : P;
}[keyof Paths] &
  string;

type Query<Op> = Op extends { parameters: { query?: infer Q } } ? Q : undefined;
type Body<Op> = Op extends { requestBody?: { content: { "application/json": infer B } } } ? B : undefined;
type Names<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;

/** Path parameters, query and body of a request, where the operation has them. */
export type AdminOptions<Paths, P extends keyof Paths & string, M extends Method> = {
  path?: Record<Names<P>, string>;
  query?: Query<Operation<Paths, P, M>>;
  body?: Body<Operation<Paths, P, M>>;
  /** Additional time for the answer in milliseconds; Infinity waits without a limit. */
  waitMs?: number;
};

type Arguments<Paths, P extends keyof Paths & string, M extends Method> = [Names<P>] extends [never]
  ? [options?: AdminOptions<Paths, P, M>]
  : [options: AdminOptions<Paths, P, M> & { path: Record<Names<P>, string> }];

type Given = { path?: Record<string, string>; query?: Record<string, string | undefined>; body?: unknown; waitMs?: number };

/** The admin API, typed by its OpenAPI document: `admin.get("/routes/{id}", { path: { id: "data" } })`. */
export class AdminApi<Paths> {
  constructor(
    readonly http: Http,
    /** What precedes the paths: `/@NAME`, or nothing. */
    readonly prefix: string,
  ) {}

  get<P extends PathsWith<Paths, "get">>(path: P, ...[options]: Arguments<Paths, P, "get">): Promise<Answer<Operation<Paths, P, "get">>> {
    return this.#send("GET", path, options);
  }

  post<P extends PathsWith<Paths, "post">>(path: P, ...[options]: Arguments<Paths, P, "post">): Promise<Answer<Operation<Paths, P, "post">>> {
    return this.#send("POST", path, options);
  }

  put<P extends PathsWith<Paths, "put">>(path: P, ...[options]: Arguments<Paths, P, "put">): Promise<Answer<Operation<Paths, P, "put">>> {
    return this.#send("PUT", path, options);
  }

  patch<P extends PathsWith<Paths, "patch">>(path: P, ...[options]: Arguments<Paths, P, "patch">): Promise<Answer<Operation<Paths, P, "patch">>> {
    return this.#send("PATCH", path, options);
  }

  delete<P extends PathsWith<Paths, "delete">>(path: P, ...[options]: Arguments<Paths, P, "delete">): Promise<Answer<Operation<Paths, P, "delete">>> {
    return this.#send("DELETE", path, options);
  }

  #send(method: string, path: string, options: unknown): Promise<never> {
    const { path: names = {}, query = {}, body, waitMs } = (options ?? {}) as Given;
    const target = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ""));
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
    return this.http.send(method, `${this.prefix}${target}${search}`, body, waitMs) as Promise<never>;
  }
}

const PAGE = "10000";

/** The admin API of one namespace. */
export class NamespaceApi extends AdminApi<NamespacePaths> {
  #reveals = true;

  /** Call `get` with `{reveal: "true"}`, and without it if the server does not show secrets to this client. */
  async reveal<T>(get: (query: { reveal?: "true" }) => Promise<T>): Promise<T> {
    if (this.#reveals) {
      try {
        return await get({ reveal: "true" });
      } catch (error) {
        if (!(error instanceof Refused && error.kind === "no-reveal")) throw error;
        this.#reveals = false;
      }
    }
    return get({});
  }
}

/** Return the items of all pages of a list. `get` returns one page. */
export async function pages<T>(get: (page: { limit: string; cursor?: string }) => Promise<{ items: T[]; next: string | null }>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await get({ limit: PAGE, cursor });
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return items;
}
