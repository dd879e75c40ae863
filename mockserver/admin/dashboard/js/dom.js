/**
 * Elements, made without a parser.
 *
 * Whatever came over the wire ends in a text node or an attribute's value; no
 * string is ever read as HTML. That is the whole defence, so nothing else in
 * the dashboard makes elements.
 */

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(node.style, value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return node;
}

/** An element: `h("p", {class: "a"}, "text", other)`. Values of `on…` are listeners; null and false are left out. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same, of SVG. */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Puts these children in place of the old ones. */
export function show(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return node;
}

export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, label);
}

/** What is said where all is well. */
export function good(text, ...more) {
  return h("div", { class: "empty good" }, h("p", {}, h("span", { class: "good-sign", "aria-hidden": "true" }, "✓"), text), more);
}

let serial = 0;

/** An id that no other element has. */
export function freshId(name) {
  serial += 1;
  return `${name}-${serial}`;
}

/** A control under its label. */
export function field(label, control, attributes = {}) {
  control.id ||= freshId("field");
  return h("div", { class: "field", ...attributes }, h("label", { for: control.id }, label), control);
}
