// How much of the picture is seen: what is seen, and how large.

import { at, data, graph } from "./data.mjs";
import { arrange, layout, layouts, picture, placeOf } from "./picture.mjs";
import { svg, filled } from "./mathematics.mjs";

const scene = at("scene");
export const pane = at("pane");
const map = at("map");
const seen = { x: 0, y: 0, scale: 1, wanted: 1, whole: false };
const SMALL = 12; // pixels of the smallest text, where a point is a pixel
const READABLE = 11 / SMALL, SMALLEST = READABLE / 2, LARGEST = 4;
const NARROW = 600, AROUND = 6; // pixels; so many are left free around the picture
let little, frame; // a miniature

// The scales at which the picture is as wide and as high as what there is for it.
function fits({ size: [width, height] }) {
  return [(pane.clientWidth - 2 * AROUND) / width, (pane.clientHeight - 2 * AROUND) / height];
}

function fit(one = layout) {
  return Math.min(...fits(one), 1.5);
}

// Take the first layout of which all can be read, else the one that can be seen clearly largest;
// where there is little width the last one, from the top down. Say whether that is a change.
export function turn() {
  const narrow = pane.clientWidth < NARROW;
  const last = layouts[layouts.length - 1];
  const worth = one => fit(one) * (one === last ? (narrow ? 1.1 : 0.87) : 1);
  const better = layouts.find(one => fit(one) >= READABLE && !(narrow && one !== last && fit(last) >= READABLE))
    || layouts.reduce((best, one) => (worth(one) > worth(best) ? one : best));
  if (better === layout) return false;
  arrange(better);
  little = svg("svg", { viewBox: `0 0 ${layout.size.join(" ")}` },
    ...layout.arrows.map(([line]) => svg("path", { d: line })),
    ...graph.nodes.map((_, i) => svg("rect", placeOf(i))));
  frame = little.appendChild(svg("rect", { class: "frame" }));
  map.replaceChildren(little);
  return true;
}

// All of it, if that can be read; else what is computed first.
export function showBeginning() {
  const first = graph.operations.length ? graph.operations[0] : graph.root;
  const across = Math.max(...fits(layout));
  seen.wanted = fit() >= READABLE ? fit() : Math.min(Math.max(across, READABLE), 1);
  const { x, y, width, height } = placeOf(first);
  look(x + width / 2, y + height / 2, seen.wanted);
  bringIntoView([first]);
}

function look(x, y, scale) {
  const [width, height] = layout.size;
  seen.scale = Math.min(Math.max(scale, Math.min(fit(), 1)), LARGEST);
  seen.whole = seen.scale <= fit() + 1e-9;
  map.hidden = seen.whole;
  const [wide, high] = [pane.clientWidth / seen.scale, pane.clientHeight / seen.scale];
  // Of what is larger than the view a margin is left free; else it is in the middle.
  const inside = (middle, half, size) => {
    const margin = AROUND / seen.scale;
    return size + 2 * margin <= 2 * half + 1e-6 ? size / 2 : Math.min(Math.max(middle, half - margin), size + margin - half);
  };
  seen.x = inside(x, wide / 2, width);
  seen.y = inside(y, high / 2, height);
  const [left, top] = [seen.x - wide / 2, seen.y - high / 2];
  picture.removeAttribute("viewBox"); // each other one would have all texts laid out anew, which takes long
  scene.setAttribute("transform", `scale(${seen.scale}) translate(${-left} ${-top})`);
  filled(frame, { x: left, y: top, width: wide, height: high }, []);
}

export function zoom(factor, x = seen.x, y = seen.y) {
  const scale = Math.min(Math.max(seen.scale * factor, Math.min(fit(), 1)), LARGEST);
  const kept = seen.scale / scale; // the point under the pointer stays there
  look(x + (seen.x - x) * kept, y + (seen.y - y) * kept, scale);
  seen.wanted = seen.scale;
}

export function wholePicture() {
  look(0, 0, fit());
  seen.wanted = seen.scale;
}

// Move only as far as is needed to see these boxes; and back to the scale that the reader
// wanted, or as near as shows them all, if that is not too small; say whether it is.
export function bringIntoView(which, smallest = SMALLEST) {
  if (!which.length) return false;
  const around = which.map(placeOf);
  const [left, top] = ["x", "y"].map(side => Math.min(...around.map(box => box[side])));
  const right = Math.max(...around.map(box => box.x + box.width));
  const bottom = Math.max(...around.map(box => box.y + box.height));
  const [wide, high] = [Math.max(pane.clientWidth - 2 * AROUND, 1), Math.max(pane.clientHeight - 2 * AROUND, 1)];
  const needed = Math.min(wide / (right - left), high / (bottom - top));
  const scale = Math.min(seen.wanted, Math.max(needed, smallest));
  const inside = (middle, low, up, half) =>
    up - low > 2 * half ? (low + up) / 2 : Math.min(Math.max(middle, up - half), low + half);
  look(inside(seen.x, left, right, wide / scale / 2), inside(seen.y, top, bottom, high / scale / 2), scale);
  return needed >= smallest;
}

// The point of the picture under a pointer.
function pointAt(event) {
  const box = pane.getBoundingClientRect();
  return {
    x: seen.x + (event.clientX - box.left - box.width / 2) / seen.scale,
    y: seen.y + (event.clientY - box.top - box.height / 2) / seen.scale,
  };
}

export const drag = { travelled: 0 };

export function listenToPointers() {
  pane.addEventListener("wheel", event => {
    const { x, y } = pointAt(event);
    const before = `${seen.x} ${seen.y}`;
    if (event.ctrlKey) zoom(Math.exp(-event.deltaY / 200), x, y);
    else look(seen.x + event.deltaX / seen.scale, seen.y + event.deltaY / seen.scale, seen.scale);
    if (event.ctrlKey || before !== `${seen.x} ${seen.y}`) event.preventDefault(); // else the page may scroll
  }, { passive: false });
  const pointers = new Map();
  picture.addEventListener("pointerdown", event => {
    if (!pointers.size) drag.travelled = 0;
    pointers.set(event.pointerId, event);
  });
  addEventListener("pointermove", event => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const others = [...pointers.values()].filter(one => one.pointerId !== event.pointerId);
    drag.travelled += Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY);
    pointers.set(event.pointerId, event);
    if (others.length) {
      const apart = one => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY);
      const { x, y } = pointAt(event);
      zoom(apart(event) / Math.max(apart(last), 1), x, y);
    } else if (drag.travelled > 5) {
      look(seen.x - (event.clientX - last.clientX) / seen.scale, seen.y - (event.clientY - last.clientY) / seen.scale, seen.scale);
    }
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    addEventListener(kind, event => pointers.delete(event.pointerId));
  }
  map.addEventListener("pointerdown", event => {
    const box = map.getBoundingClientRect();
    const [width, height] = layout.size;
    look(((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height, seen.scale);
  });
  addEventListener("resize", () => { if (turn()) showBeginning(); });
  new ResizeObserver(() => look(seen.x, seen.y, seen.whole ? fit() : seen.scale)).observe(pane);
  addEventListener("beforeprint", () => {
    picture.setAttribute("viewBox", `0 0 ${layout.size.join(" ")}`);
    scene.removeAttribute("transform");
  });
  addEventListener("afterprint", () => look(seen.x, seen.y, seen.scale));
}
