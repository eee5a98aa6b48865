// The network: neurons as circles, as bright as they are active; weights as lines by sign and
// size; beside each activation how this example would have it moved.

import { at, data, nodes, root } from "./data.mjs";
import { element, lineOf, named, runs, svg } from "./mathematics.mjs";
import { number, signOf } from "./numbers.mjs";
import { sentence, t } from "./texts.mjs";

export const hasNetwork = Boolean(data.network);
const RADIUS = 27, DOWN = 92;
const circles = new Map(); // of each node its circle and texts
const weights = []; // of each connection its line

// A column of inputs, then one for each layer; at the right the cost.
export function drawNetwork(choose) {
  const { inputs, layers } = data.network;
  const columns = [inputs, ...layers.map(layer => layer.map(({ a }) => a))];
  const across = at("pane").clientWidth < 600 ? 105 : 190;
  const most = Math.max(...columns.map(column => column.length));
  const [width, height] = [80 + across * columns.length + 70, Math.max(most * DOWN + 40, 220)];
  const place = new Map();
  columns.forEach((column, c) => column.forEach((i, j) => {
    place.set(i, [60 + across * c, height / 2 + DOWN * (j - (column.length - 1) / 2)]);
  }));
  place.set(root, [width - 60, height / 2]);
  circles.clear();
  weights.length = 0;
  const lines = svg("g", {});
  const marks = svg("g", {});
  layers.forEach(layer => layer.forEach(({ w, x, a }) => w.forEach((weight, n) => {
    const [[x0, y0], [x1, y1]] = [place.get(x[n]), place.get(a)];
    const bend = (x1 - x0) / 2;
    const d = `M${x0 + RADIUS},${y0}C${x0 + bend},${y0} ${x1 - bend},${y1} ${x1 - RADIUS},${y1}`;
    const line = svg("path", { class: "weight-line", d });
    const reach = svg("path", { class: "reach", d });
    const group = svg("g", { class: "connection", role: "button", tabindex: "0", "data-weight": weight }, line, reach);
    listen(group, () => choose(weight));
    lines.append(group);
    weights.push({ weight, line, group });
  })));
  const last = columns[columns.length - 1];
  for (const i of last) {
    const [x, y] = place.get(i);
    const [cx, cy] = place.get(root);
    lines.prepend(svg("path", { class: "to-cost", d: `M${x + RADIUS},${y}C${(x + cx) / 2},${y} ${(x + cx) / 2},${cy} ${cx - RADIUS - 6},${cy}` }));
  }
  for (const [i, [x, y]] of place) {
    const name = lineOf(runs(i));
    name.setAttribute("y", -RADIUS - 8);
    name.setAttribute("class", "title");
    const circle = svg(i === root ? "rect" : "circle", i === root
      ? { x: -RADIUS - 6, y: -RADIUS, width: 2 * RADIUS + 12, height: 2 * RADIUS, rx: 8, class: "neuron" }
      : { r: RADIUS, class: "neuron" });
    const value = svg("text", { class: "value", y: 4 });
    const wish = svg("g", { class: "wish" }, svg("path", {}));
    const group = svg("g", { class: "unit", transform: `translate(${x},${y})`, role: "button", tabindex: "0", "data-node": i }, circle, value, name, ...(i === root ? [] : [wish]));
    listen(group, () => choose(i));
    marks.append(group);
    circles.set(i, { group, circle, value, wish });
  }
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": t("network") }, lines, marks);
  at("network").replaceChildren(drawing, element("p", { class: "note" }, t("network_legend"), element("br"), ...sentence("wishes", { C: named(root) })));
}

function listen(to, action) {
  to.addEventListener("click", action);
  to.addEventListener("keydown", event => { if (event.key === "Enter") action(); });
}

export function showNetwork({ values, gradients, state }) {
  const seen = [...circles.keys()].filter(i => i !== root && Number.isFinite(values[i]));
  const [low, high] = [Math.min(0, ...seen.map(i => values[i])), Math.max(1, ...seen.map(i => values[i]))];
  const strongest = Math.max(0, ...[...circles.keys()].filter(i => i !== root).map(i => Math.abs(gradients[i] || 0)).filter(Number.isFinite));
  for (const [i, { group, circle, value, wish }] of circles) {
    const x = values[i];
    value.textContent = x === undefined ? "…" : number(x, 3);
    group.dataset.sign = x === undefined ? "none" : signOf(x);
    group.classList.toggle("selected", state.selected.includes(i));
    group.setAttribute("aria-pressed", state.selected.includes(i));
    const said = [nodes[i].text, x === undefined ? t("not_computed") : `${t("value")} ${number(x)}`];
    if (gradients[i] !== undefined && nodes[i].kind !== "constant") said.push(`${t("gradient")} ${number(gradients[i])}`);
    group.setAttribute("aria-label", said.join(t("comma")));
    if (i === root) continue;
    const bright = Number.isFinite(x) ? (x - low) / (high - low) : 0;
    circle.style.setProperty("--bright", `${Math.round(100 * bright)}%`);
    group.classList.toggle("bright", bright > 0.38); // dark letters can be read better then
    const wished = gradients[i] === undefined ? 0 : -gradients[i];
    const long = strongest > 0 ? (22 * Math.abs(wished)) / strongest : 0;
    wish.dataset.sign = signOf(wished);
    const [end, head] = wished > 0 ? [-long, 6] : [long, -6];
    wish.firstChild.setAttribute("d", long < 1 ? "" : `M${RADIUS + 9},${-end}V${end}m-5,${head}l5,${-head}l5,${head}`);
  }
  const all = weights.map(({ weight }) => Math.abs(values[weight])).filter(Number.isFinite);
  const largest = Math.max(1e-12, ...all);
  for (const { weight, line, group } of weights) {
    group.dataset.sign = signOf(values[weight]);
    group.classList.toggle("selected", state.selected.includes(weight));
    group.setAttribute("aria-pressed", state.selected.includes(weight));
    group.setAttribute("aria-label", `${nodes[weight].text}${t("comma")}${number(values[weight])}`);
    line.setAttribute("stroke-width", (1 + 5 * Math.abs(values[weight]) / largest).toFixed(2));
  }
}
