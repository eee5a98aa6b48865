// The picture: its boxes and arrows, the numbers in them, and what is brought out.

import { at, data, edges, graph, leaving, nodes, root } from "./data.mjs";
import { filled, lineOf, runs, svg } from "./mathematics.mjs";
import { number, signOf } from "./numbers.mjs";
import { t } from "./texts.mjs";

export const picture = at("picture");
export const boxes = nodes.map((_, i) => at(`n${i}`));
export const arrows = edges.map((_, k) => at(`e${k}`));
const parts = boxes.map(box => Object.fromEntries(["title", "value", "gradient", "bar"].map(name => [name, box.querySelector(`.${name}`)])));
const labels = edges.map((_, k) => at("labels").appendChild(svg("g", { id: `l${k}`, class: "label" })));
const trails = at("trails");
export const COLOURS = 6; // of paths
export const FIGURES = 3; // of a number in the picture

export const choosable = i => Boolean(nodes[i]) && !(nodes[i].kind === "constant" && !nodes[i].free);
boxes.forEach((box, i) => {
  if (!choosable(i)) return; // nothing to say of the 2 in 2 x
  box.setAttribute("role", "button");
  box.setAttribute("tabindex", "0");
});
arrows.forEach((arrow, k) => {
  if (!edges[k].live) return;
  const line = arrow.firstElementChild.cloneNode();
  line.setAttribute("class", "reach");
  arrow.append(line);
});

// Write what is known at this step. `values` and `gradients` have undefined for what is not;
// `held` is what an animation still has to bring: a node and the gradient it had before.
export function showNumbers({ values, gradients, received, passed, all, widest, strongest, current, held }) {
  boxes.forEach((box, i) => {
    const { value } = parts[i];
    if (value) {
      fitted(value, values[i] === undefined || (held && held.value === i) ? "…" : number(values[i], FIGURES));
      centre(i);
    }
    showGradient(i, held && held.gradient === i ? held.before : gradients[i], strongest);
    setData(box, "value", values[i]);
    setData(box, "gradient", nodes[i].kind === "constant" ? undefined : gradients[i]);
    box.classList.toggle("waiting", values[i] === undefined);
    box.classList.toggle("pending", gradients[i] !== undefined && received[i] === 0 && i !== root);
    box.classList.toggle("partial", received[i] > 0 && received[i] < leaving[i].length);
    box.classList.toggle("current", current.nodes.includes(i));
    if (box.hasAttribute("role")) change(box, "aria-label", described(i, values[i], gradients[i]));
  });
  arrows.forEach((arrow, k) => {
    const addition = passed.get(k);
    setData(arrow, "slope", addition && addition.slope);
    const part = addition && widest > 0 && widest < Infinity ? Math.abs(addition.product) / widest : 0;
    change(arrow.firstElementChild, "stroke-width", (data.thin + data.wider * (part || 0)).toFixed(2));
    change(arrow, "data-sign", addition ? signOf(addition.product) : "none");
    arrow.classList.toggle("waiting", edges[k].live && !addition && current.phase !== "done");
    arrow.classList.toggle("current", current.edges.includes(k));
  });
}

// A gradient as a number, and as a bar from the middle: to the right where it is positive.
function showGradient(i, gradient, strongest) {
  const { gradient: text, bar } = parts[i];
  if (!text) return;
  const box = boxes[i];
  fitted(text, gradient === undefined ? "…" : number(gradient, FIGURES));
  change(box, "data-sign", gradient === undefined ? "none" : signOf(gradient));
  const half = Number(bar.dataset.half);
  const part = gradient && strongest > 0 ? Math.min(Math.abs(gradient) / strongest, 1) : 0;
  const long = part > 0 ? Math.max(half * part, 1.5) : 0;
  change(bar, "width", long.toFixed(1));
  change(bar, "x", (gradient < 0 ? -long : 0).toFixed(1));
}

// What is there already is not set again: in a large picture that takes long.
function change(of, name, value) {
  if (of.getAttribute(name) !== value) of.setAttribute(name, value);
}

export function write(inside, text) {
  const { firstChild } = inside;
  if (!firstChild) inside.textContent = text;
  else if (firstChild.data !== text) firstChild.data = text;
}

function fitted(inside, text) {
  write(inside, text);
  const most = Number(inside.dataset.most); // letters, beyond which they are pressed together
  if (most && text.length > most) filled(inside, { textLength: most * 6.6, lengthAdjust: "spacingAndGlyphs" }, []);
  else inside.removeAttribute("textLength");
}

// A title and its value in one line: both together in the middle.
function centre(i) {
  const { title, value, wide } = parts[i];
  if (!wide) return; // each has a line of its own
  const left = -(wide + 5 + Math.min(value.firstChild.data.length, Number(value.dataset.most)) * 7.1) / 2;
  change(title, "x", left.toFixed(1));
  change(value, "x", (left + wide + 5).toFixed(1));
}

function setData(of, name, x) {
  if (x === undefined) of.removeAttribute(`data-${name}`);
  else change(of, `data-${name}`, Object.is(x, -0) ? "-0" : String(x));
}

function described(i, value, gradient) {
  const { text, kind } = nodes[i];
  const said = [`${text}, ${t(kind)}`];
  said.push(value === undefined ? t("not_computed") : `${t("value")} ${number(value)}`);
  if (kind !== "constant" && gradient !== undefined) said.push(`${t("gradient")} ${number(gradient)}`);
  return said.join(t("comma"));
}

// Draw paths over the arrows, each in its colour; where several run, their colours take turns.
// One path alone has the colours of its signs, as its arrows have them.
export function showTrails(paths, selected, arrow) {
  const colours = new Map();
  paths.forEach((path, j) => path.forEach(k => colours.set(k, [...(colours.get(k) || []), j])));
  trails.replaceChildren(...(paths.length < 2 ? [] : [...colours].flatMap(([k, several]) => several.map((j, turn) => {
    const line = arrows[k].firstElementChild;
    const width = Math.max(Number(line.getAttribute("stroke-width")), 3);
    const attributes = { d: line.getAttribute("d"), class: `trail c${j % COLOURS}`, "data-path": j, "data-edge": k, "stroke-width": width };
    if (several.length > 1) {
      attributes["stroke-dasharray"] = `9 ${9 * (several.length - 1)}`;
      attributes["stroke-dashoffset"] = -9 * turn;
    }
    return svg("path", attributes);
  }))));
  picture.classList.toggle("choosing", selected.length > 0 || arrow !== null);
  const ends = arrow === null ? [] : [edges[arrow].tail, edges[arrow].head];
  const on = new Set([...selected, ...ends, ...paths.flat().flatMap(k => [edges[k].tail, edges[k].head])]);
  boxes.forEach((box, i) => {
    box.classList.toggle("selected", selected.includes(i));
    box.classList.toggle("lit", on.has(i));
    if (box.hasAttribute("role")) change(box, "aria-pressed", String(selected.includes(i)));
  });
  arrows.forEach((one, k) => {
    one.classList.toggle("lit", colours.has(k) || k === arrow);
    one.classList.toggle("selected", k === arrow);
  });
}

// Bring out one path of several; none for all alike.
export function emphasise(path) {
  for (const trail of trails.children) {
    trail.classList.toggle("quiet", path !== null && trail.dataset.path !== String(path));
  }
}

// The layouts: as the file has it and, unless a direction was asked for, the other way.

export const layouts = data.layouts;
layouts[0].arrows = arrows.map(arrow => [0, 1].map(i => arrow.children[i].getAttribute("d")));
export let layout; // the one that is seen

export function arrange(next) {
  layout = next;
  picture.classList.toggle("flat", !layout.tall);
  for (const [kind, d] of Object.entries(layout.shapes)) at(`shape-${kind}`).setAttribute("d", d);
  boxes.forEach((box, i) => {
    const [x, y] = layout.boxes[i];
    const [width] = sizeOf(i);
    box.setAttribute("transform", `translate(${x},${y})`);
    const { title, value, gradient } = parts[i];
    if (!value) return;
    const inline = nodes[i].kind !== "operation" || !layout.tall;
    const [first, second, top, last] = inline ? [-4, -4, 0.5, 14] : [-14, 2.5, 7, 22];
    filled(title, { x: 0, y: first }, []);
    filled(value, { x: 0, y: second }, []);
    title.classList.remove("end");
    for (const one of [title, value]) one.classList.toggle("start", inline);
    const wide = inline ? Math.round(title.getComputedTextLength()) : 0;
    parts[i].wide = wide;
    value.dataset.most = Math.max(4, Math.floor((inline ? width - 18 - wide : width - 8) / 7));
    centre(i);
    if (!gradient) return;
    gradient.dataset.most = Math.floor((width - 44) / 6.4);
    filled(box.querySelector(".slope"), { y: last }, []);
    filled(box.querySelector(".bar"), { y: top, "data-half": width / 2 - 10 }, []);
  });
  layout.arrows.forEach(([line, head], k) => {
    arrows[k].children[0].setAttribute("d", line);
    arrows[k].children[1].setAttribute("d", head);
    if (arrows[k].children[2]) arrows[k].children[2].setAttribute("d", line);
  });
  for (const trail of trails.children) trail.setAttribute("d", layout.arrows[trail.dataset.edge][0]);
}

function sizeOf(i) {
  return layout.kinds[`n${i}`] || layout.kinds[nodes[i].kind];
}

export function placeOf(i) {
  const [x, y] = layout.boxes[i];
  const [width, height] = sizeOf(i);
  return { x: x - width / 2, y: y - height / 2, width, height };
}

// The text at an arrow: its local derivative with its name and formula, or of those in
// `briefly` the number alone; on no box and on no other text, if there is room anywhere.
export function showLabels(which, briefly, values) {
  const taken = boxes.map((_, i) => placeOf(i));
  labels.forEach(label => { if (label.firstChild) label.replaceChildren(); });
  for (const k of [...which, ...briefly]) {
    const { tail, head } = edges[k];
    if (!edges[k].live) continue;
    const slope = graph.share(k, values, 1);
    const { formula: local, constant } = graph.slopeFormula(k, values);
    const number_ = { text: number(slope, FIGURES), css: "slope" };
    const said = briefly.includes(k) ? [number_]
      : [...runs(["mrow", "∂", head, "/∂", tail, " = "]), ...(constant ? [] : [...runs(local), { text: " = " }]), number_];
    const text = lineOf(said);
    labels[k].dataset.sign = signOf(slope);
    labels[k].append(text);
    const box = text.getBBox();
    const [width, height] = [box.width + 12, box.height + 6];
    const line = arrows[k].firstElementChild;
    const middle = line.getPointAtLength(line.getTotalLength() / 2);
    const there = free(middle, width, height, taken, [tail, head]);
    taken.push({ x: there.x - width / 2, y: there.y - height / 2, width, height });
    filled(text, { x: there.x, y: there.y - box.y - box.height / 2 }, []);
    const near = { x: clamp(middle.x, there.x, width), y: clamp(middle.y, there.y, height) };
    labels[k].prepend(
      svg("path", { class: "leader", d: `M${middle.x},${middle.y}L${near.x},${near.y}` }),
      svg("rect", { rx: 5, x: there.x - width / 2, y: there.y - height / 2, width, height }));
  }
}

const clamp = (x, middle, size) => Math.min(Math.max(x, middle - size / 2), middle + size / 2);

// The place nearest to a point where a rectangle meets none of those taken.
function free(middle, width, height, taken, ends) {
  const [right, bottom] = layout.size;
  let best = middle;
  let least = Infinity;
  for (let dy = -120; dy <= 120; dy += 8) {
    for (let dx = -160; dx <= 160; dx += 10) {
      const [x, y] = [middle.x + dx, middle.y + dy];
      const meets = taken.reduce((sum, one, i) => sum + (x - width / 2 < one.x + one.width + 2 && one.x < x + width / 2 + 2 &&
        y - height / 2 < one.y + one.height + 2 && one.y < y + height / 2 + 2 ? 1 + 3 * ends.includes(i) : 0), 0);
      const outside = x < width / 2 || y < height / 2 || x > right - width / 2 || y > bottom - height / 2;
      const cost = Math.hypot(dx, 1.6 * dy) + 1000 * meets + 9000 * outside;
      if (cost < least) [best, least] = [{ x, y }, cost];
    }
  }
  return best;
}
