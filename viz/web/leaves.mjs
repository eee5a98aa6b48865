// The leaves' sliders and fields, and descent on them.

import { at, graph, knownFrom, leaves, nodes, root, start } from "./data.mjs";
import { derivative, element, inline, named, operator, put, svg } from "./mathematics.mjs";
import { number, signOf, sliderRange, tidy } from "./numbers.mjs";
import { write } from "./picture.mjs";
import { state } from "./state.mjs";
import { t } from "./texts.mjs";

export const controls = new Map();

export function makeLeaves(changed) {
  put("leaves", ...leaves.map(i => {
    const { low, high } = sliderRange(start[i]);
    const label = `${nodes[i].text}, ${t(nodes[i].kind)}`;
    const slider = element("input", { type: "range", min: low, max: high, step: "any", "aria-label": `${label}, ${t("slider")}` });
    const field = element("input", { type: "number", step: "any", "aria-label": label });
    const constant = nodes[i].kind === "constant";
    const gradient = element("span", constant ? {} : { "data-from": knownFrom.gradient[i] });
    const control = { slider, field, gradient, x: state.leaves[i] };
    slider.addEventListener("input", () => changed(i, tidy(Number(slider.value), high - low), false));
    slider.addEventListener("change", () => changed(i, tidy(Number(slider.value), high - low), true));
    field.addEventListener("input", () => { if (field.value !== "" && field.validity.valid) changed(i, Number(field.value), false); });
    field.addEventListener("change", () => { if (field.value !== "" && field.validity.valid) changed(i, Number(field.value), true); });
    for (const kind of ["focus", "blur"]) field.addEventListener(kind, () => showField(control));
    controls.set(i, control);
    return element("div", { class: `leaf ${nodes[i].kind}`, "data-node": i },
      element("span", { class: "name" }, named(i)), slider, field,
      element("div", { class: "gradient" }, constant ? "" : inline(derivative(root, i), operator("=")), gradient));
  }));
}

export function resetSliders() {
  for (const [i, { slider }] of controls) {
    const { low, high } = sliderRange(start[i]);
    Object.assign(slider, { min: low, max: high });
    controls.get(i).shown = undefined;
  }
}

// All digits while one writes there; else as many as there is room for.
function showField({ field, x }) {
  const writing = document.activeElement === field;
  field.value = !Number.isFinite(x) ? "" : writing ? x : Number(x.toPrecision(6));
  field.placeholder = number(x);
}

export function showLeaves({ values, gradients }, selected) {
  for (const [i, control] of controls) {
    const { slider, field, gradient } = control;
    const x = control.x = values[i];
    field.parentElement.classList.toggle("selected", selected.includes(i));
    if (nodes[i].kind !== "constant") {
      write(gradient, number(gradients[i]));
      gradient.className = signOf(gradients[i]);
    }
    if (Object.is(control.shown, x)) continue;
    control.shown = x;
    if (document.activeElement !== field || Number(field.value) !== x) showField(control);
    if (Number.isFinite(x)) { // the slider grows with what the field or the descent has set
      Object.assign(slider, { min: Math.min(slider.min, x), max: Math.max(slider.max, x) });
      slider.value = x;
    }
    slider.setAttribute("aria-valuetext", number(x));
  }
}

// The descent.

const parameters = leaves.filter(i => nodes[i].kind === "parameter");
export const movable = parameters.length ? parameters : leaves.filter(i => nodes[i].kind === "input");

export function descended(values, rate) {
  const { gradients } = graph.backward(values);
  const next = values.slice();
  for (const i of movable) next[i] = values[i] - rate * gradients[i];
  return next;
}

// The largest of 1, 0.1, 0.01 and so on whose first step lowers the root.
export function sensibleRate(values) {
  const before = graph.forward(values)[root];
  for (let power = 0; power > -8; power -= 1) {
    if (graph.forward(descended(values, 10 ** power))[root] < before) return 10 ** power;
  }
  return 0.1;
}

export function describeDescent() {
  const some = movable.length === 1 ? "one" : "several";
  at("descent-note").textContent = movable.length
    ? t(parameters.length ? `descent_${some}_parameter` : `descent_${some}_input`, { n: movable.length })
    : t("descent_nothing");
}

export function showHistory(costs) {
  const chart = at("history");
  const finite = costs.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite, Infinity), Math.max(...finite, -Infinity)];
  const place = (cost, j) => {
    const x = 6 + (costs.length > 1 ? (288 * j) / (costs.length - 1) : 0);
    return [x, high > low ? 58 - (52 * (cost - low)) / (high - low) : 32];
  };
  const points = costs.flatMap((cost, j) => (Number.isFinite(cost) ? [place(cost, j)] : []));
  const dots = points.length > 60 ? points.slice(-1) : points;
  chart.replaceChildren(
    svg("polyline", { points: points.map(p => p.map(x => x.toFixed(1)).join(",")).join(" ") }),
    ...dots.map(([x, y]) => svg("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 3 })),
  );
  const last = costs[costs.length - 1];
  document.querySelector("#descent figcaption").replaceChildren(
    named(root), costs.length > 1 ? ` ${t(costs.length === 2 ? "after_one" : "after_several", { n: costs.length - 1 })} ` : " = ",
    element("span", { "data-from": knownFrom.value[root] }, costs.length > 1 ? `${number(costs[0])} → ${number(last)}` : number(last)));
}
