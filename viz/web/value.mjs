// What is said of a chosen value, of two, or of a chosen arrow.

import { functionChart, isFunction, numberLines, sliceChart } from "./charts.mjs";
import { at, data, edges, entering, graph, knownFrom, leaving, nodes, root } from "./data.mjs";
import {
  chain, coloured, derivation, derivative, element, factor, formula, inBrackets, inline, math, named, numeral, operator, paragraph, put, terms, times,
} from "./mathematics.mjs";
import { number, signed, sliderRange, tidy } from "./numbers.mjs";
import { COLOURS, emphasise } from "./picture.mjs";
import { sentence, spokenIn, t } from "./texts.mjs";

const MOST_LINES = 12;

// An equation's numbers, the sides after the first ones; they are to be seen from that step on.
function since(step, made, first = 1) {
  for (const side of [...made.querySelectorAll(".right")].slice(first)) side.dataset.from = step;
  return made;
}

// Hide the numbers that are not known yet; what is hidden keeps its place, so that this is quick.
export function showKnown(step) {
  for (const one of document.querySelectorAll("#panels [data-from]")) {
    one.classList.toggle("unknown", step < Number(one.dataset.from));
  }
}

// A part of the panel: on a narrow screen one of several tabs.
function section(tab, title, ...inside) {
  return element("div", { class: "card", "data-tab": tab }, element("h3", {}, ...title), ...inside);
}

// The paths that are drawn in the picture, and what is said of them.
function explanation(from, to, values) {
  const count = graph.countPaths(from, to);
  const { gradients } = graph.backward(values, to);
  if (from === to) return { paths: [], said: [] };
  if (count === 0) return { paths: [], said: [paragraph(...sentence("no_path", { C: named(to), w: named(from) }))] };
  const listed = count <= data.maxPaths;
  const paths = listed ? graph.pathsBetween(from, to) : graph.firstSteps(from, to);
  const ends = paths.map(path => edges[path[path.length - 1]].head);
  const products = paths.map((path, j) => graph.product(path, values, gradients[ends[j]]));
  const sum = products.reduce((all, x) => all + Math.abs(x), 0);
  const items = paths.map((path, j) => {
    const via = [from, ...path.map(k => edges[k].head)].map((i, n) => (n ? inline(operator("→"), formula(i)) : named(i)));
    const item = element("li", { class: paths.length > 1 ? `c${j % COLOURS}` : "", tabindex: "0" },
      element("p", { class: "way" }, ...via), inNumbers(path, ends[j], to, values, gradients[ends[j]], products[j]));
    if (paths.length > 1) item.append(weight(products[j], sum, gradients[from], knownFrom.gradient[from]));
    for (const kind of ["pointerenter", "focus"]) item.addEventListener(kind, () => emphasise(j));
    for (const kind of ["pointerleave", "blur"]) item.addEventListener(kind, () => emphasise(null));
    return item;
  });
  const places = {
    w: named(from), C: named(to),
    n: count < 1e15 ? count.toLocaleString(spokenIn.language) : t("about", { n: number(count) }),
  };
  const note = sentence(count === 1 ? "one_path" : listed ? "several_paths" : "many_paths", places);
  return { paths, said: [paragraph(...note), element("ol", { class: "terms" }, ...items)] };
}

// A path in derivatives, in formulas and in numbers.
function inNumbers(path, end, to, values, gradient, worth) {
  const written = (each, last) => {
    const { long, ends } = data; // of a longer product, so many factors are shown at either end
    const factors = path.length <= long ? path.map(each)
      : [...path.slice(0, ends).map(each), math("mo", "…"), ...path.slice(-ends).map(each)];
    return times(end === to ? factors : [...factors, last()]);
  };
  const rest = () => derivative(to, end);
  const names = written(k => derivative(edges[k].head, edges[k].tail), rest);
  const formulas = written(k => {
    const { formula: tree, loose } = graph.slopeFormula(k, values);
    return edges[k].prime ? formula(edges[k].prime) : loose ? inBrackets(formula(tree)) : formula(tree);
  }, rest);
  const numbers = written(k => factor(graph.share(k, values, 1)), () => factor(gradient));
  const text = side => side.map(one => one.textContent).join("");
  // A product of one factor is that factor: nothing is said twice.
  const lines = [formulas, ...(path.length > 1 || end !== to ? [numbers] : []), [coloured(worth)]];
  const rights = lines.filter((line, n) => !n || text(line) !== text(lines[n - 1]));
  return since(knownFrom.gradient[edges[path[0]].tail], derivation(names, rights, "stacked"));
}

// A term's part of the sum.
function weight(worth, sum, total, step) {
  const bar = element("span", { class: "share" });
  bar.style.setProperty("--part", sum > 0 && sum < Infinity ? Math.abs(worth) / sum : 0);
  const part = 100 * (worth / total);
  const said = Math.abs(part) < 1e4 ? part.toFixed(1).replace("-", "−") : number(part);
  return element("p", { class: "weight", "data-from": step }, bar, Number.isFinite(part) ? `${said} %` : "");
}

// The slider of a nudge, and what moves with it. `state.delta` is kept while the value stays chosen.
function nudging(i, values, gradients, state) {
  const { low, high } = sliderRange(values[i]);
  const most = (high - low) / 8;
  if (state.delta === null || Math.abs(state.delta) > most) state.delta = tidy(most / 3, 2 * most);
  const lines = element("div", { class: "lines" });
  const told = paragraph();
  const slider = element("input", { type: "range", min: -most, max: most, step: "any", "aria-label": t("nudge_label", { w: nodes[i].text }) });
  const shown = element("output", {});
  const reach = [-most, most].map(delta => firstAndLast(graph.nudge(values, i, delta)));
  const draw = () => {
    const moved = firstAndLast(graph.nudge(values, i, state.delta));
    lines.replaceChildren(...numberLines(moved, reach));
    shown.textContent = signed(state.delta);
    slider.setAttribute("aria-valuetext", signed(state.delta));
    const last = moved[moved.length - 1];
    told.replaceChildren(...(last.node === root ? sentence("foretold", {
      gradient: number(gradients[i]), delta: number(state.delta), product: signed(last.foretold), change: signed(last.after - last.before), C: named(root),
    }) : []));
  };
  slider.value = state.delta;
  slider.addEventListener("input", () => {
    state.delta = tidy(Number(slider.value), 2 * most);
    draw();
  });
  draw();
  return section("nudge", sentence("nudge_title", { w: named(i) }),
    element("label", { class: "nudge" }, inline(math("mi", "Δ"), formula(i)), slider, shown), lines, told);
}

// Of many nodes that move, the first ones and the root.
function firstAndLast(moved) {
  return moved.length <= MOST_LINES ? moved : [...moved.slice(0, MOST_LINES - 1), moved[moved.length - 1]];
}

// Buttons for the arrows into a node and out of it.
function arrowsOf(i, choose) {
  const button = k => {
    const made = element("button", { type: "button", class: "quiet", "data-arrow": k }, inline(derivative(edges[k].head, edges[k].tail)));
    made.addEventListener("click", () => choose(k));
    return made;
  };
  const all = [...entering[i].filter(k => edges[k].live), ...leaving[i]].slice(0, 24);
  return all.length ? [section("paths", sentence("arrows_title", {}), element("p", { class: "row" }, ...all.map(button)))] : [];
}

// Everything that is said of what is chosen; gives back the paths to be drawn.
export function showSelection(state, { values, gradients }, chooseArrow) {
  const { selected, arrow } = state;
  const title = document.querySelector("#selection > h2");
  at("selection").classList.toggle("empty", !selected.length && arrow === null);
  if (arrow !== null) return showArrow(arrow, values, gradients, title);
  if (!selected.length) {
    title.textContent = t("choose_title");
    put("selection", paragraph(...sentence("choose_hint", {})));
    return [];
  }
  const [from, to] = selected.length === 2 ? [...selected].sort((a, b) => a - b) : [selected[0], root];
  title.replaceChildren(...sentence(selected.length === 2 ? "between_title" : "owes_title", { C: named(to), w: named(from) }));
  const facts = selected.map(i => {
    const node = nodes[i];
    const lines = [node.formula ? since(knownFrom.value[i], derivation(formula(i), [terms(node.formula), numeral(values[i])])) : chain(formula(i), numeral(values[i]))];
    if (node.kind !== "constant") lines.push(since(knownFrom.gradient[i], derivation(derivative(root, i), [coloured(gradients[i])]), 0));
    return element("div", { class: "facts" }, ...lines);
  });
  const fixed = nodes[from].kind === "constant";
  const { paths, said } = fixed
    ? { paths: [], said: [paragraph(t("constant_says"))] }
    : explanation(from, to, values);
  if (selected.length === 2 && paths.length) {
    const whole = derivation(derivative(to, from), [coloured(graph.backward(values, to).gradients[from])]);
    facts.push(since(knownFrom.gradient[from], whole, 0));
  }
  const parts = [];
  if (selected.length === 1 && !fixed) {
    if (from !== root) {
      parts.push(nudging(from, values, gradients, state));
      parts.push(section("slice", sentence("slice_title", { C: named(root), w: named(from) }), sliceChart(values, from, gradients[from])));
    }
    if (nodes[from].op && isFunction(from)) {
      parts.push(section("slice", sentence("curve_title", { a: named(from), z: named(edges[entering[from][0]].tail) }), functionChart(values, from)));
    }
  }
  const paths_ = said.length ? [section("paths", sentence("paths_title", {}), ...said)] : [];
  put("selection", element("div", { class: "overview" }, ...facts), ...parts, ...paths_, ...(selected.length === 1 ? arrowsOf(from, chooseArrow) : []));
  for (const one of document.querySelectorAll("#selection .moves, #selection .chart, #selection .nudge, #selection .lines + p")) {
    one.dataset.from = one.classList.contains("chart") || one.tagName === "P" ? knownFrom.gradient[from] : knownFrom.value[root];
  }
  return paths;
}

// An arrow: its local derivative, as a formula and as a number, and what it hands on.
function showArrow(k, values, gradients, title) {
  const { tail, head, prime } = edges[k];
  const { formula: local, constant } = graph.slopeFormula(k, values);
  const slope = graph.share(k, values, 1);
  const worth = graph.share(k, values, gradients[head]);
  title.replaceChildren(...sentence("arrow_title", { w: named(tail), z: named(head) }));
  const lines = derivation(derivative(head, tail), [...(prime ? [formula(prime)] : []), formula(local), ...(constant ? [] : [coloured(slope)])]);
  const handed = derivation([math("mrow", derivative(head, tail), operator("·"), derivative(root, head))],
    [times([factor(slope), factor(gradients[head])]), [coloured(worth)]]);
  put("selection",
    element("div", { class: "facts" }, since(knownFrom.value[head], lines, prime ? 2 : 1)),
    paragraph(...sentence("arrow_says", { w: named(tail), z: named(head), slope: number(slope) })),
    section("paths", sentence("arrow_hands_on", { w: named(tail) }), since(knownFrom.gradient[tail], handed, 0)),
    ...(isFunction(head) ? [section("slice", sentence("curve_title", { a: named(head), z: named(tail) }), functionChart(values, head))] : []));
  return [[k]];
}
