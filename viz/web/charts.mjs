// Small charts: number lines of a nudge, the cost along one value, a function with its tangent.

import { graph } from "./data.mjs";
import { element, named, svg } from "./mathematics.mjs";
import { number, signed, signOf, sliderRange } from "./numbers.mjs";
import { t } from "./texts.mjs";

const WIDE = 300;
const exact = x => (Object.is(x, -0) ? "-0" : String(x));
const within = (x, low, high) => Math.min(Math.max(x, low), high);

// A number line for each node that moves: from where to where, and where the gradient foretold it.
// `reach` has the same nudges at both ends of the slider, so that the scale stays.
export function numberLines(moved, reach) {
  return moved.map((one, j) => {
    const all = [one.before, ...reach.flatMap(({ [j]: r }) => [r.after])].filter(Number.isFinite);
    let [low, high] = [Math.min(...all), Math.max(...all)];
    const room = 0.12 * (high - low) || Math.max(1e-3, 0.1 * Math.abs(one.before));
    [low, high] = [low - room, high + room];
    const x = v => within(8 + ((WIDE - 16) * (v - low)) / (high - low), 0, WIDE).toFixed(1);
    const change = one.after - one.before;
    const sign = signOf(change);
    const label = within(Number(x(one.after)), 34, WIDE - 34);
    const drawing = svg("svg", { viewBox: `0 0 ${WIDE} 44`, class: `line ${sign}`, role: "img",
      "aria-label": t("line_says", { z: graph.nodes[one.node].text, before: number(one.before), after: number(one.after), foretold: signed(one.foretold) }) },
    svg("path", { class: "axis", d: `M8,22H${WIDE - 8}` }),
    svg("path", { class: "moved", d: `M${x(one.before)},22H${x(one.after)}` }),
    svg("path", { class: "foretold", d: `M${x(one.before + one.foretold)},11V33` }),
    svg("circle", { class: "before", cx: x(one.before), cy: 22, r: 4 }),
    svg("circle", { class: "after", cx: x(one.after), cy: 22, r: 5.5 }),
    svg("text", { class: "change", x: label, y: 10 }, signed(change, 3)),
    svg("text", { class: "tick", x: 8, y: 41, "text-anchor": "start" }, number(low, 3)),
    svg("text", { class: "tick", x: WIDE - 8, y: 41, "text-anchor": "end" }, number(high, 3)));
    return element("div", { class: "moves", "data-node": one.node, "data-before": exact(one.before), "data-after": exact(one.after), "data-foretold": exact(one.foretold) },
      element("span", { class: "name" }, named(one.node)), drawing);
  });
}

// A curve with a point on it and the tangent there.
function curveChart(points, [x0, y0], slope, names, note) {
  const finite = points.filter(([, y]) => Number.isFinite(y));
  if (!Number.isFinite(y0) || !Number.isFinite(slope) || !finite.length) return element("p", {}, t("no_curve"));
  const [left, right] = [points[0][0], points[points.length - 1][0]];
  let [low, high] = [Math.min(y0, ...finite.map(p => p[1])), Math.max(y0, ...finite.map(p => p[1]))];
  if (high - low < 1e-9 * Math.max(1, Math.abs(high))) [low, high] = [low - 1, high + 1];
  const [w, h] = [WIDE, 132];
  const x = v => 54 + ((w - 66) * (v - left)) / (right - left);
  const y = v => h - 22 - ((h - 38) * (v - low)) / (high - low);
  const half = 0.22 * (right - left);
  // The tangent, as long as it fits.
  const steep = slope === 0 ? half : Math.min(half, Math.abs((0.6 * (high - low)) / slope));
  const ends = [-steep, steep].map(d => [x(x0 + d), y(y0 + slope * d)].map(v => v.toFixed(2)));
  const sign = signOf(slope);
  const aside = -Math.sign(slope); // where neither the curve nor its tangent is
  return svg("svg", { viewBox: `0 0 ${w} ${h}`, class: `chart ${sign}`, role: "img", "aria-label": note, "data-slope": exact(slope), "data-x": exact(x0) },
    svg("path", { class: "axis", d: `M54,8V${h - 22}H${w - 8}` }),
    svg("polyline", { class: "curve", points: finite.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ") }),
    svg("path", { class: "tangent", d: `M${ends[0]}L${ends[1]}` }),
    svg("circle", { class: "point", cx: x(x0).toFixed(1), cy: y(y0).toFixed(1), r: 5 }),
    svg("text", { class: "change", x: within(x(x0) + 62 * aside, 110, w - 60).toFixed(1), y: Math.max(y(y0) - 12, 12).toFixed(1) }, `${t("slope")} ${number(slope)}`),
    svg("text", { class: "tick", x: 54, y: h - 6, "text-anchor": "start" }, number(left, 3)),
    svg("text", { class: "tick", x: w - 8, y: h - 6, "text-anchor": "end" }, number(right, 3)),
    svg("text", { class: "tick", x: (w + 54) / 2, y: h - 6, "text-anchor": "middle" }, names[0]),
    svg("text", { class: "tick", x: 50, y: h - 24, "text-anchor": "end" }, number(low, 3)),
    svg("text", { class: "tick", x: 50, y: 16, "text-anchor": "end" }, number(high, 3)));
}

// The cost, as value i alone changes.
export function sliceChart(values, i, gradient) {
  const { low, high } = sliderRange(values[i]);
  const { nodes, root } = graph;
  const note = t("slice_says", { C: nodes[root].text, w: nodes[i].text, slope: number(gradient) });
  return curveChart(graph.slice(values, i, low, high), [values[i], values[root]], gradient, [nodes[i].text], note);
}

// A function of one argument, at its argument's value.
export function functionChart(values, i) {
  const [k] = graph.entering[i];
  const { tail } = graph.edges[k];
  const reach = Math.max(4, 1.3 * Math.abs(values[tail]));
  const slope = graph.share(k, values, 1);
  const note = t("curve_says", { z: graph.nodes[i].text, w: graph.nodes[tail].text, slope: number(slope) });
  return curveChart(graph.curve(i, -reach, reach), [values[tail], values[i]], slope, [graph.nodes[tail].text], note);
}

// Whether a node is such a function.
export function isFunction(i) {
  const [k] = graph.entering[i];
  return graph.entering[i].length === 1 && graph.edges[k].live && graph.edges[k].element === null;
}
