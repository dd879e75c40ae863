/** The admin API: one function that calls it, and what it refuses. */

/** A problem document (RFC 9457), or a connection that failed (`status` 0). */
export class Problem extends Error {
  constructor(status, document) {
    super(document.title || `HTTP ${status}`);
    this.status = status;
    this.title = document.title || `HTTP ${status}`;
    this.detail = document.detail || "";
    this.errors = document.errors || [];
    this.checks = document.checks || [];
  }

  /** What is wrong, in one text. */
  get explained() {
    const flaws = this.errors.map((one) => `${one.pointer}: ${one.message}. ${one.hint}`);
    return [this.title, ...(flaws.length ? flaws : [this.detail])].filter(Boolean).join(". ");
  }
}

const BASE = new URL("../", document.baseURI);
/** Stands for all namespaces at once, where one is named. */
export const ALL = "*";
const TOKEN = "mockserver.token";

export class Api {
  /** `askToken()` gives a promise of the token, once a call was refused for want of it. */
  constructor(askToken) {
    this.namespace = "default";
    this._askToken = askToken;
    this._asking = null;
  }

  /** The same API, of another namespace. */
  of(namespace) {
    return Object.assign(Object.create(this), { namespace });
  }

  /** The URL of an admin path; `namespace` null for what belongs to none. */
  url(path, namespace = this.namespace) {
    const below = namespace === null || namespace === "default" ? "" : `/@${encodeURIComponent(namespace)}`;
    return new URL(`.${below}${path}`, BASE).href;
  }

  /** As `fetch`, with the token; asks for it where it is missing or wrong. Throws Problem. */
  async open(path, { namespace, headers = {}, ...options } = {}) {
    for (;;) {
      const token = sessionStorage.getItem(TOKEN);
      const lines = token ? { ...headers, Authorization: `Bearer ${token}` } : headers;
      const answer = await fetched(this.url(path, namespace), { cache: "no-store", ...options, headers: lines });
      if (answer.status === 401) {
        await this._login(token);
        continue;
      }
      if (!answer.ok) throw new Problem(answer.status, await documentOf(answer));
      return answer;
    }
  }

  /** One dialog, however many calls were refused. */
  async _login(refused) {
    if (sessionStorage.getItem(TOKEN) !== refused) return;
    this._asking ??= this._askToken(refused !== null).finally(() => (this._asking = null));
    sessionStorage.setItem(TOKEN, await this._asking);
  }

  async get(path, options) {
    return (await this.open(path, options)).json();
  }

  /** A call that changes something. `json` or `yaml` is its body. Gives the answer's document, or null. */
  async send(method, path, { json, yaml, ...options } = {}) {
    const headers = {};
    let body;
    if (json !== undefined) [body, headers["Content-Type"]] = [JSON.stringify(json), "application/json"];
    if (yaml !== undefined) [body, headers["Content-Type"]] = [yaml, "application/yaml"];
    const answer = await this.open(path, { method, body, headers, ...options });
    const text = await answer.text();
    return text ? JSON.parse(text) : null;
  }

  /** Every item of a list, page by page. */
  async *pages(path, options) {
    let cursor = null;
    do {
      const joint = path.includes("?") ? "&" : "?";
      const document = await this.get(cursor ? `${path}${joint}cursor=${cursor}` : path, options);
      yield document.items;
      cursor = document.next;
    } while (cursor);
  }
}

/**
 * As `fetch`; throws Problem. A request without a method changes nothing, and is sent once more: a browser drops all of
 * its connections when the network addresses of the machine change.
 */
async function fetched(url, options) {
  for (let left = options.method ? 1 : 2; ; ) {
    try {
      return await fetch(url, options);
    } catch (why) {
      if (why.name === "AbortError") throw why;
      left -= 1;
      if (!left) throw new Problem(0, { title: "The server can't be reached", detail: String(why.message) });
    }
  }
}

async function documentOf(answer) {
  try {
    return await answer.json();
  } catch {
    return {};
  }
}
