// What is shown, to be taken away: the picture as it stands, as SVG and as PNG.

import { at, graph } from "./data.mjs";
import { svg } from "./mathematics.mjs";
import { layout, picture } from "./picture.mjs";

const STYLED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-weight", "font-style", "font-family", "text-anchor"];

// A copy in which every style is written out, so that it looks the same anywhere.
export function standalone() {
  const original = at("network").hidden ? picture : at("network").firstElementChild;
  const copy = original.cloneNode(true);
  const before = original.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((one, i) => {
    const style = getComputedStyle(before[i]);
    if (style.display === "none" || style.visibility === "hidden") one.dataset.gone = "";
    else for (const name of STYLED) one.setAttribute(name, style.getPropertyValue(name));
    for (const name of ["tabindex", "role", "aria-pressed"]) one.removeAttribute(name);
  });
  copy.querySelectorAll("[data-gone], .reach").forEach(one => one.remove());
  const scene = copy.querySelector("#scene");
  if (scene) scene.removeAttribute("transform");
  const [width, height] = scene ? layout.size : original.getAttribute("viewBox").split(" ").slice(2).map(Number);
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.prepend(svg("rect", { width, height, fill: getComputedStyle(document.body).backgroundColor }));
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

function offer(address, ending) {
  const link = document.createElement("a");
  link.href = address;
  link.download = `${graph.nodes[graph.root].text.replace(/[^\w]+/g, "_") || "picture"}.${ending}`;
  link.click();
}

const addressOf = text => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;

export function saveSvg() {
  offer(addressOf(standalone().text), "svg");
}

export function savePng() {
  const { text, width, height } = standalone();
  const image = new Image();
  image.addEventListener("load", () => {
    const canvas = document.createElement("canvas");
    const scale = Math.min(3, 8000 / Math.max(width, height));
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    offer(canvas.toDataURL("image/png"), "png");
  });
  image.src = addressOf(text);
}
