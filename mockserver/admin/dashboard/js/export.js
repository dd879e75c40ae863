/** A picture as a file: SVG as it stands, PNG at twice its size. */

import { button, h } from "./dom.js";

const SCALE = 2;
const LONGEST_PX = 16_000; // of a canvas

/** The SVG as a document of its own; links into this page are left out. */
export function svgText(svg) {
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  for (const link of copy.querySelectorAll("a")) link.removeAttribute("href");
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

export function svgBlob(svg) {
  return new Blob([svgText(svg)], { type: "image/svg+xml" });
}

export async function pngBlob(svg) {
  const [width, height] = [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))];
  const scale = Math.min(SCALE, LONGEST_PX / Math.max(width, height));
  const url = URL.createObjectURL(svgBlob(svg));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("the chart is too large"))), "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Buttons that save or copy the picture in `place`; `named` begins the name of its file, `said` shows what was done. */
export function exportButtons(place, named, said) {
  const act = (label, work) => button(label, async () => {
    const svg = place.querySelector("svg");
    if (svg) said.textContent = await work(svg);
  }, { class: "small" });
  const saved = async (kind, made) => {
    const name = `${named}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${kind}`;
    save(await made, name);
    return `Saved ${name}.`;
  };
  return h("div", { class: "row" }, act("Save SVG", (svg) => saved("svg", svgBlob(svg))), act("Save PNG", (svg) => saved("png", pngBlob(svg))), act("Copy PNG", copied));
}

async function copied(svg) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": pngBlob(svg) })]);
    return "Copied as PNG.";
  } catch {
    return "The page can't access the clipboard. Save the chart instead.";
  }
}
