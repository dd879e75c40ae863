/**
 * Where in a YAML text things stand, by indentation alone: enough to point at
 * a line, and to know in which key the cursor is. The server reads the text
 * itself; what this gets wrong misplaces a mark and nothing else.
 */

const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:{}[\],&*!|>'"%@`-][^:#]*?|-?[^\s#:{}[\],&*!|>'"%@`-][^:#]*?)\s*:(?=\s|$)/;

function unquoted(text) {
  if (text.startsWith('"')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text;
}

/** Every key and item of the block style: `{path, line, indent, rest}`; lines count from 0. */
export function entries(text) {
  const found = [];
  const open = []; // {indent, key, item, items}
  const top = { items: -1 };
  let literal = -1; // the indent of a block scalar's key
  text.split("\n").forEach((whole, line) => {
    const body = whole.trimStart();
    let indent = whole.length - body.length;
    if (!body || body.startsWith("#")) return;
    if (literal >= 0 && indent > literal) return;
    literal = -1;
    let rest = body;
    while (/^-(?:\s|$)/.test(rest)) {
      while (open.length && (open.at(-1).indent > indent || (open.at(-1).indent === indent && open.at(-1).item))) open.pop();
      const parent = open.at(-1);
      const list = parent ?? top;
      list.items += 1;
      const index = list.items;
      open.push({ indent, key: index, item: true, items: -1 });
      found.push({ path: open.map((one) => one.key), line, indent, rest: rest.slice(1).trim() });
      const next = rest.slice(1);
      const inner = next.trimStart();
      indent += 1 + next.length - inner.length;
      rest = inner;
    }
    const key = KEY.exec(rest);
    if (!key) return;
    while (open.length && (open.at(-1).indent > indent || (open.at(-1).indent === indent && !open.at(-1).item))) open.pop();
    open.push({ indent, key: unquoted(key[1].trim()), items: -1 });
    const value = rest.slice(key[0].length).trim();
    found.push({ path: open.map((one) => one.key), line, indent, rest: value });
    if (/^[|>][+-]?\d?\s*(?:#.*)?$/.test(value)) literal = indent;
  });
  return found;
}

/** The line, from 0, of what a JSON pointer names: its own, or of the nearest thing around it. */
export function lineOf(text, pointer) {
  const path = pointer.split("/").slice(1).map((one) => one.replaceAll("~1", "/").replaceAll("~0", "~"));
  const known = entries(text);
  for (let length = path.length; length > 0; length -= 1) {
    const wanted = path.slice(0, length).join("\n");
    const found = known.find((one) => one.path.join("\n") === wanted);
    if (found) return found.line;
  }
  return 0;
}

/** `{path, word, value}` at the cursor: the keys around it, what of a key or value is typed, and whether it is a value. */
export function cursorAt(text, offset) {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  const typed = before.slice(start);
  const dashes = /^(\s*(?:-\s+)*)/.exec(typed)[0];
  const indent = dashes.length;
  // What stands above, and the dashes of this line, with a key of its own in the cursor's place.
  const probe = `${before.slice(0, start)}${dashes}x-cursor: 1`;
  const path = (entries(probe).at(-1)?.path ?? []).slice(0, -1);
  return { ...inLine(typed.slice(indent), path), indent };
}

/** Walks what is typed of the line: keys, and braces that open a mapping in the line. */
function inLine(typed, outer) {
  let path = [...outer];
  const stack = [];
  let word = "";
  let value = false;
  for (const c of typed) {
    if (c === "{" || c === "[") {
      stack.push({ path, list: c === "[" });
      if (c === "[") path = [...path, 0];
      [word, value] = ["", c === "["];
    } else if (c === "}" || c === "]") {
      path = stack.pop()?.path ?? path;
      [word, value] = ["", true];
    } else if (c === "," && stack.length) {
      path = stack.at(-1).list ? [...stack.at(-1).path, 0] : stack.at(-1).path;
      [word, value] = ["", stack.at(-1).list];
    } else if (c === ":" && !value) {
      path = [...path, unquoted(word.trim())];
      [word, value] = ["", true];
    } else word += c;
  }
  return { path, word: word.trimStart(), value };
}
