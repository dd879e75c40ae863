/** Where one is, in the URL's hash: `#/@namespace/view/id`, so that a place can be sent to a colleague. */

export function readPlace(hash) {
  const parts = hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decoded);
  const namespace = parts[0]?.startsWith("@") ? parts.shift().slice(1) : "default";
  return { namespace, view: parts[0] ?? "calls", id: parts[1] ?? null };
}

export function writePlace({ namespace, view, id }) {
  const parts = [namespace === "default" ? null : `@${namespace}`, view, id];
  return `#/${parts.filter(Boolean).map(encodeURIComponent).join("/").replaceAll("%40", "@")}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
