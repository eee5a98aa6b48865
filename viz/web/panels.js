// What stands beside the picture: the step, the chosen boxes, the leaves, the descent.

const panel = name => document.querySelector(`#${name} .content`);

function put(name, ...inside) {
  panel(name).replaceChildren(...inside);
}

// Equations below one another. A side is a formula, or a list of them, between
// which a line may break; `css` is "stacked" where the left side has a line of its own.
function derivation(left, rights, css = "") {
  const made = element("div", { class: `derivation ${css}` }, element("span", { class: "left" }, ...inlines(left)));
  for (const right of rights) {
    made.append(element("span", { class: "equals" }, inline(operator("="))), element("span", { class: "right" }, ...inlines(right)));
  }
  return made;
}

// Equations one after the other, as far as there is room.
function chain(left, ...rights) {
  return element("p", { class: "chain" }, inline(left), ...rights.map(right => inline(operator("="), right)));
}

function inlines(side) {
  return [side].flat().map(one => inline(one));
}

// An equation's numbers, the sides after the first ones; they are to be seen from that step on.
function since(step, made, first = 1) {
  for (const side of [...made.querySelectorAll(".right")].slice(first)) side.dataset.from = step;
  return made;
}

// Hide the numbers that are not known yet; what is hidden keeps its place, so that this is quick.
function showKnown(step) {
  for (const one of document.querySelectorAll("#panels [data-from]")) {
    one.classList.toggle("unknown", step < Number(one.dataset.from));
  }
}

// A sum as a list of its terms, to be broken before a plus.
function terms(tree, values = null) {
  if (!Array.isArray(tree) || tree[0] !== "mrow") return [formula(tree, values)];
  const groups = [["mrow"]];
  for (const child of tree.slice(1)) {
    if (child[0] === "mo" && child[child.length - 1] === "+") groups.push(["mrow"]);
    groups[groups.length - 1].push(child);
  }
  return groups.map(group => formula(group, values));
}

function paragraph(...inside) {
  return element("p", {}, ...inside);
}

// The step.

function showStep(step, at, count, { values, gradients }) {
  const heading = { start: "Before the first step", done: "Both passes are done" }[step.phase];
  document.querySelector("#step h2").textContent =
    heading || `Step ${at} of ${count}: ${step.phase === "forward" ? "forward" : "backward"}`;
  put("step", ...describers[step.phase](step, values, gradients));
}

const describers = {
  start: () => [paragraph("Only the leaves have numbers. The forward pass computes one box after the other; the backward pass then hands the gradient back, arrow by arrow.")],
  done: (step, values) => [
    chain(formula(root), numeral(values[root])),
    paragraph("Every gradient is complete. Play shows both passes from the first step on."),
  ],
  forward: ({ node }, values) => [derivation(
    formula(node), [terms(nodes[node].formula), terms(nodes[node].formula, values), numeral(values[node])])],
  seed: () => [
    chain(derivative(root, root), numeral(1)),
    paragraph("The backward pass begins at ", named(root), ", which changes as fast as it does itself. All other gradients start at 0."),
  ],
  backward: ({ addition }, values) => {
    const { k, slope, arriving, product, before, after } = addition;
    const { tail, head } = edges[k];
    const { formula: local, constant } = slopeFormula(k, values);
    const { prime } = edges[k];
    const part = (css, title, ...equation) =>
      element("div", { class: `part ${css}` }, element("h3", {}, ...title), chain(...equation));
    return [
      part("slope", ["local derivative"], derivative(head, tail),
        ...(prime ? [formula(prime)] : []), formula(local), ...(constant ? [] : [numeral(slope)])),
      part("arriving", ["gradient that arrives"], derivative(root, head), numeral(arriving)),
      part("product", ["their product"], math("mrow", times([factor(slope), factor(arriving)])), numeral(product)),
      part("after", ["added to what ", named(tail), " has got so far"], derivative(root, tail),
        math("mrow", numeral(before), operator("+"), factor(product)), numeral(after)),
    ];
  },
};

function spoken(step, values) {
  if (step.phase === "forward") return `Forward: ${nodes[step.node].text} is ${number(values[step.node])}.`;
  if (step.phase === "seed") return `The backward pass begins at ${nodes[root].text}, with the gradient 1.`;
  if (step.phase === "backward") {
    const { k, slope, arriving, product, before, after } = step.addition;
    const { tail, head } = edges[k];
    return `Backward from ${nodes[head].text} to ${nodes[tail].text}: the local derivative ${number(slope)} times ` +
      `the gradient ${number(arriving)} is ${number(product)}. The gradient of ${nodes[tail].text} was ${number(before)} and is now ${number(after)}.`;
  }
  return step.phase === "done" ? "Both passes are done." : "Before the first step.";
}

// The explanation of one derivative.

// The paths that are drawn in the picture, and what is said of them.
function explanation(from, to, values) {
  const count = countPaths(from, to);
  const { gradients } = backward(values, to);
  if (from === to) return { paths: [], said: [] };
  if (count === 0) {
    return { paths: [], said: [paragraph(named(to), " does not depend on ", named(from), ": no path leads there.")] };
  }
  const listed = count <= graph.maxPaths;
  const paths = listed ? pathsBetween(from, to) : firstSteps(from, to);
  const ends = paths.map(path => edges[path[path.length - 1]].head);
  const products = paths.map((path, j) => product(path, values, gradients[ends[j]]));
  const sum = products.reduce((all, x) => all + Math.abs(x), 0);
  const items = paths.map((path, j) => {
    const via = [from, ...path.map(k => edges[k].head)].map((i, n) => (n ? inline(operator("→"), formula(i)) : named(i)));
    const item = element("li", { class: `c${j % COLOURS}`, tabindex: "0" },
      element("p", { class: "way" }, ...via), inNumbers(path, ends[j], to, values, gradients[ends[j]], products[j]));
    if (paths.length > 1) item.append(weight(products[j], sum, gradients[from], knownFrom.gradient[from]));
    for (const kind of ["pointerenter", "focus"]) item.addEventListener(kind, () => emphasise(j));
    for (const kind of ["pointerleave", "blur"]) item.addEventListener(kind, () => emphasise(null));
    return item;
  });
  const lead = [` lead${count === 1 ? "s" : ""} from `, named(from), " to ", named(to)];
  const note = count === 1 ? ["One path", ...lead, ": the product of the local derivatives along it."]
    : listed ? [`${count} paths`, ...lead, ". Each contributes the product of the local derivatives along it; the derivative is their sum."]
    : [`${count < 1e15 ? count.toLocaleString("en") : `About ${number(count)}`} paths`, ...lead, ": so one step, and the derivatives from there on."];
  return { paths, said: [paragraph(...note), element("ol", { class: "terms" }, ...items)] };
}

// A path in derivatives, in formulas and in numbers.
function inNumbers(path, end, to, values, gradient, worth) {
  const written = (each, last) => {
    const { long, ends } = graph; // of a longer product, so many factors are shown at either end
    const factors = path.length <= long ? path.map(each)
      : [...path.slice(0, ends).map(each), math("mo", "…"), ...path.slice(-ends).map(each)];
    return times(end === to ? factors : [...factors, last()]);
  };
  const rest = () => derivative(to, end);
  const names = written(k => derivative(edges[k].head, edges[k].tail), rest);
  const formulas = written(k => {
    const { formula: tree, loose } = slopeFormula(k, values);
    return edges[k].prime ? formula(edges[k].prime) : loose ? inBrackets(formula(tree)) : formula(tree);
  }, rest);
  const numbers = written(k => factor(share(k, values, 1)), () => factor(gradient));
  const text = side => side.map(one => one.textContent).join("");
  // A product of one factor is that factor: nothing is said twice.
  const lines = [formulas, ...(path.length > 1 || end !== to ? [numbers] : []), [numeral(worth)]];
  const rights = lines.filter((line, n) => !n || text(line) !== text(lines[n - 1]));
  return since(knownFrom.gradient[edges[path[0]].tail], derivation(names, rights, "stacked"));
}

// A term's part of the sum.
function weight(worth, sum, total, step) {
  const bar = element("span", { class: "bar" });
  bar.style.setProperty("--part", sum > 0 && sum < Infinity ? Math.abs(worth) / sum : 0);
  const part = 100 * (worth / total);
  const said = Math.abs(part) < 1e4 ? part.toFixed(1).replace("-", "−") : number(part);
  return element("p", { class: "weight", "data-from": step }, bar, Number.isFinite(part) ? `${said} %` : "");
}

function showSelection(selected, { values, gradients }) {
  const title = document.querySelector("#selection h2");
  title.textContent = selected.length === 2 ? "How one changes the other" : "Why this gradient?";
  if (!selected.length) {
    put("selection", paragraph("Choose a box in the picture: a click, or Tab and Enter. Choose a second one for the paths between them."));
    return [];
  }
  const [from, to] = selected.length === 2 ? [...selected].sort((a, b) => a - b) : [selected[0], root];
  const facts = selected.map(i => {
    const node = nodes[i];
    const lines = [node.formula ? since(knownFrom.value[i], derivation(formula(i), [terms(node.formula), numeral(values[i])])) : chain(formula(i), numeral(values[i]))];
    if (node.kind !== "constant") lines.push(since(knownFrom.gradient[i], derivation(derivative(root, i), [numeral(gradients[i])]), 0));
    return element("div", { class: "facts" }, ...lines);
  });
  const fixed = nodes[from].kind === "constant";
  const { paths, said } = fixed
    ? { paths: [], said: [paragraph("A constant: nobody differentiates by it.")] }
    : explanation(from, to, values);
  if (selected.length === 2 && paths.length) {
    const whole = derivation(derivative(to, from), [numeral(backward(values, to).gradients[from])]);
    facts.push(since(knownFrom.gradient[from], whole, 0));
  }
  put("selection", ...facts, ...said);
  return paths;
}

// The leaves.

const controls = new Map();

function makeLeaves(changed) {
  put("leaves", ...leaves.map(i => {
    const { low, high } = sliderRange(start[i]);
    const label = `${nodes[i].text}, ${nodes[i].kind}`;
    const slider = element("input", { type: "range", min: low, max: high, step: "any", "aria-label": `${label}, slider` });
    const field = element("input", { type: "number", step: "any", "aria-label": label });
    const constant = nodes[i].kind === "constant";
    const gradient = element("span", constant ? {} : { "data-from": knownFrom.gradient[i] });
    const control = { slider, field, gradient, x: start[i] };
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

// To either side twice the number, and at least 1; rounded up to 1, 2 or 5 times a power of ten.
function sliderRange(x) {
  const middle = Number.isFinite(x) ? x : 0;
  const reach = Math.min(Math.max(1, 2 * Math.abs(middle)), 1e300);
  const power = 10 ** Math.floor(Math.log10(reach));
  const half = power * [1, 2, 5, 10].find(one => one * power >= reach * (1 - 1e-9));
  return { low: tidy(middle, half) - half, high: tidy(middle, half) + half };
}

// Without digits that a slider of that width cannot mean.
function tidy(x, wide) {
  const step = 10 ** Math.floor(Math.log10(wide / 200));
  return Number((Math.round(x / step) * step).toPrecision(12));
}

// All digits while one writes there; else as many as there is room for.
function showField({ field, x }) {
  const writing = document.activeElement === field;
  field.value = !Number.isFinite(x) ? "" : writing ? x : Number(x.toPrecision(6));
  field.placeholder = number(x);
}

function showLeaves({ values, gradients }, selected) {
  for (const [i, control] of controls) {
    const { slider, field, gradient } = control;
    const x = control.x = values[i];
    field.parentElement.classList.toggle("selected", selected.includes(i));
    if (document.activeElement !== field || Number(field.value) !== x) showField(control);
    if (Number.isFinite(x)) { // the slider grows with what the field or the descent has set
      Object.assign(slider, { min: Math.min(slider.min, x), max: Math.max(slider.max, x) });
      slider.value = x;
    }
    slider.setAttribute("aria-valuetext", number(x));
    gradient.replaceChildren(nodes[i].kind === "constant" ? "" : inline(numeral(gradients[i])));
  }
}

// The descent.

const parameters = leaves.filter(i => nodes[i].kind === "parameter");
const movable = parameters.length ? parameters : leaves.filter(i => nodes[i].kind === "input");

function descended(values, rate) {
  const { gradients } = backward(values);
  const next = values.slice();
  for (const i of movable) next[i] = values[i] - rate * gradients[i];
  return next;
}

// The largest of 1, 0.1, 0.01 and so on whose first step lowers the root.
function sensibleRate(values) {
  const before = forward(values)[root];
  for (let power = 0; power > -8; power -= 1) {
    if (forward(descended(values, 10 ** power))[root] < before) return 10 ** power;
  }
  return 0.1;
}

function describeDescent() {
  const what = parameters.length ? "parameter" : "input";
  const several = movable.length === 1 ? `the one ${what}` : `the ${movable.length} ${what}s`;
  const why = parameters.length ? "" : " (none is declared as a parameter)";
  document.getElementById("descent-note").textContent = movable.length
    ? `A step changes ${several}${why} by minus the rate times the gradient.`
    : "There is no leaf to change.";
}

function showHistory(costs) {
  const chart = document.getElementById("history");
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
  const name = named(root);
  document.querySelector("#descent figcaption").replaceChildren(
    name, costs.length > 1 ? ` after ${costs.length - 1} ${costs.length === 2 ? "change" : "changes"}: ` : " = ",
    element("span", { "data-from": knownFrom.value[root] }, costs.length > 1 ? `${number(costs[0])} → ${number(last)}` : number(last)));
}
