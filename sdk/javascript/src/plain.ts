/** JavaScript values as JSON of the admin API: regular expressions, dates, routes and `expect.anything()` are accepted. */

import { inspect } from "node:util";

/** Method of an object that has a name on the server, such as a route. */
export const NAME = Symbol("mockserver.name");

/** Keys below which the names of operators start with a dollar. */
const JSON_TREES = ["json", "json_exact", "graphql"];
const ASYMMETRIC = Symbol.for("jest.asymmetricMatcher");

/** Return the value as JSON. Throws TypeError, with the place, for a value without a JSON equivalent. */
export function plain(value: unknown): any {
  return converted(value, "", false);
}

function converted(value: unknown, place: string, dollar: boolean): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      break;
    case "object":
      if (value === null) return value;
      return ofObject(value, place, dollar);
  }
  throw refused(value, place, "Use the types of JSON");
}

function ofObject(value: object, place: string, dollar: boolean): unknown {
  if (Array.isArray(value)) return value.map((item, index) => converted(item, `${place}[${index}]`, dollar));
  if (value instanceof RegExp) return { [dollar ? "$matches" : "matches"]: pattern(value, place) };
  if (value instanceof Date) return value.toISOString();
  if (NAME in value) return (value[NAME] as () => string).call(value);
  if ("$$typeof" in value && value.$$typeof === ASYMMETRIC) return asymmetric(value, place, dollar);
  if (value instanceof Uint8Array) throw refused(value, place, "Write {base64: …} for bytes of any kind, {text: …} for text");
  if (typeof (value as { then?: unknown }).then === "function") throw refused(value, place, "Await it first");
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    return converted((value as { toJSON(): unknown }).toJSON(), place, dollar);
  }
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    const below = /^\w+$/.test(key) ? `${place && `${place}.`}${key}` : `${place}[${JSON.stringify(key)}]`;
    return [key, converted(item, below, dollar || JSON_TREES.includes(key))];
  });
  return Object.fromEntries(entries);
}

/** Return the expression with its flags inside. On the server, it must match the whole value. */
function pattern(value: RegExp, place: string): string {
  const flags = value.flags.replace(/[dgu]/g, "");
  if (/[^ims]/.test(flags)) throw refused(value, place, "The flags i, m and s are supported");
  return flags ? `(?${flags})${value.source}` : value.source;
}

function asymmetric(value: object, place: string, dollar: boolean): string {
  const name = (value as { toAsymmetricMatcher?(): string }).toAsymmetricMatcher?.();
  if (name === "Anything") return dollar ? "$present" : "present";
  throw refused(value, place, "The server only knows expect.anything(); write a condition of the scenario language instead");
}

function refused(value: unknown, place: string, hint: string): TypeError {
  return new TypeError(`${place && `${place}: `}${inspect(value, { depth: 0, breakLength: Infinity }).slice(0, 60)} is not a JSON value. ${hint}`);
}
