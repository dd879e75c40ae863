/** What the pictures have in common. Colours and fonts are attributes, so that a picture looks the same when it was saved. */

import { s } from "./dom.js";

export const PALETTES = {
  light: { ground: "#ffffff", text: "#17202e", quiet: "#566173", line: "#d8dde6", good: "#1a7f4e", refused: "#9a5b00", failed: "#c02637", broken: "#c02637", left: "#7a3fb0", other: "#2f6f9f", open: "#566173", wall: "#b3261e", zone: "#fbe4e2", effect: "#1d5fbf", flag: "#7a3fb0", lane: "#f7f8fb" },
  dark: { ground: "#12161d", text: "#e6eaf1", quiet: "#a2adbf", line: "#2e3643", good: "#4cc38a", refused: "#f0b354", failed: "#ff8087", broken: "#ff8087", left: "#c7a0f2", other: "#7fbce6", open: "#a2adbf", wall: "#ff8f87", zone: "#3a1f22", effect: "#8ab4ff", flag: "#c7a0f2", lane: "#181d26" },
};
export const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

export function text(fill, x, y, content, attributes = {}) {
  return s("text", { x, y, fill, ...attributes }, content);
}

/** Keeps a text readable on lines and areas. */
export function halo(c) {
  return { stroke: c.ground, "stroke-width": 3, "paint-order": "stroke", "stroke-linejoin": "round" };
}

/** A hatched area, as a fill `url(#id)`. */
export function hatch(id, c) {
  return s("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    s("rect", { width: 6, height: 6, fill: c.zone }), s("line", { x1: 0, y1: 0, x2: 0, y2: 6, stroke: c.wall, "stroke-width": 1, "stroke-opacity": 0.45 }));
}
