import type { Schemas } from "./words.js";

/** Headers by name in lower case; several lines of a name are joined by a comma. */
type HeaderValues = Record<string, string>;

function headerValues(lines: string[][]): HeaderValues {
  const values: HeaderValues = {};
  for (const [name = "", value = ""] of lines) {
    const key = name.toLowerCase();
    values[key] = Object.hasOwn(values, key) ? `${values[key]}, ${value}` : value;
  }
  return values;
}

/** The part that a request and a response have in common. */
class Message {
  readonly headers: HeaderValues;
  readonly body: Buffer;

  constructor(data: { headers: string[][]; body: Schemas["BodyView"] }) {
    this.headers = headerValues(data.headers);
    this.body = data.body.base64 === null ? Buffer.from(data.body.text ?? "") : Buffer.from(data.body.base64, "base64");
    this.#truncated = data.body.truncated;
  }

  readonly #truncated: boolean;

  get text(): string {
    return this.body.toString();
  }

  /** Return the decoded body. Throws SyntaxError if it is not valid JSON, or was too long to be recorded completely. */
  json(): any {
    if (this.#truncated) throw new SyntaxError(`Only the first ${this.body.length} bytes of this body were recorded`);
    return JSON.parse(this.text);
  }
}

/** A received request. `path` has no namespace prefix, `target` is as in the request line. */
export class CallRequest extends Message {
  readonly method: string;
  readonly path: string;
  readonly target: string;
  readonly query: URLSearchParams;

  constructor(data: Schemas["RequestView"]) {
    super(data);
    this.method = data.method;
    this.path = data.path;
    this.target = data.target;
    this.query = new URLSearchParams(data.query as [string, string][]);
  }
}

/** A sent response. */
export class CallResponse extends Message {
  readonly status: number;

  constructor(data: Schemas["ReplyView"]) {
    super(data);
    this.status = data.status;
  }
}

/** One call. `data` is the complete record of the admin API. */
export class Call {
  readonly id: string;
  readonly number: number;
  readonly route: string | null;
  /** All routes that took part, `route` first: several only for GraphQL. */
  readonly routes: string[];
  readonly matched: boolean;
  readonly outcome: string;
  readonly arrived: Date;
  readonly request: CallRequest;
  /** Null if a fault replaced the status line. */
  readonly response: CallResponse | null;

  constructor(readonly data: Schemas["CallView"]) {
    this.id = data.id;
    this.number = data.number;
    this.route = data.route;
    this.routes = data.routes;
    this.matched = data.matched;
    this.outcome = data.outcome;
    this.arrived = new Date(data.times.arrived);
    this.request = new CallRequest(data.request);
    this.response = data.reply === null ? null : new CallResponse(data.reply);
  }

  /** Status that was sent; null if nothing was sent. */
  get status(): number | null {
    return this.data.times.first_byte_ms === null ? null : (this.response?.status ?? null);
  }
}

/** An unmatched request, with the nearest routes and a route in YAML that would match it. */
export class Unmatched extends Call {
  readonly nearest: Schemas["NearestView"][];
  readonly suggestion: string;

  constructor(data: Schemas["UnmatchedView"]) {
    super(data);
    this.nearest = data.nearest;
    this.suggestion = data.suggestion;
  }
}

/** Operations, oldest first, each with its attempts under `tries`. */
export class Operations extends Array<Schemas["OperationView"]> {
  /** Number of calls per operation; null without operations. */
  amplification: number | null = null;
  /** Maximum number of concurrent calls. */
  mostInFlight = 0;

  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}
