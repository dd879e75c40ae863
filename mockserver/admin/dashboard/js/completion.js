/** What the language's JSON Schema allows at a place: keys, or values, each with its description. */

/** Of the schema of a scenario; `place` is what `cursorAt` gives, `siblings` keys that are there already. */
export function completions(document, place, siblings = []) {
  let here = expand(document, document.properties.routes.items);
  for (const key of place.path) here = here.flatMap((one) => step(document, one, key));
  const options = place.value ? valuesOf(here) : keysOf(document, here).filter((one) => !siblings.includes(one.label));
  const typed = place.word.toLowerCase();
  const seen = new Set();
  return options.filter((one) => {
    const fits = one.label.toLowerCase().startsWith(typed) && one.label !== place.word && !seen.has(one.label);
    seen.add(one.label);
    return fits;
  });
}

/** A schema as the alternatives that it consists of, references followed. */
function expand(document, schema, depth = 0) {
  if (!schema || typeof schema !== "object" || depth > 12) return [];
  if (schema.$ref) return expand(document, resolve(document, schema.$ref), depth + 1);
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...inner.flatMap((one) => expand(document, one, depth + 1))];
}

function resolve(document, ref) {
  return ref.split("/").slice(1).reduce((at, part) => at?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

function step(document, schema, key) {
  const next = typeof key === "number" ? schema.items : (schema.properties?.[key] ?? patterned(schema, key) ?? schema.additionalProperties);
  return expand(document, next);
}

function patterned(schema, key) {
  return Object.entries(schema.patternProperties ?? {}).find(([pattern]) => new RegExp(pattern, "u").test(key))?.[1];
}

function keysOf(document, schemas) {
  return schemas.flatMap((one) => Object.entries(one.properties ?? {}).map(([label, inner]) => ({
    label, insert: `${label}: `, note: inner.description ?? expand(document, inner).find((each) => each.description)?.description ?? "",
  })));
}

function valuesOf(schemas) {
  const values = schemas.flatMap((one) => [...(one.enum ?? []), ...("const" in one ? [one.const] : []), ...(one.type === "boolean" ? [true, false] : [])]);
  return values.map((one) => ({ label: String(one), insert: String(one), note: "" }));
}
