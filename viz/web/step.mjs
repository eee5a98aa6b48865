// The card of the step: what happens now, in formulas and in numbers; and what is to be predicted.

import { at, course, edges, graph, nodes, root } from "./data.mjs";
import {
  chain, coloured, derivation, derivative, element, factor, formula, named, math, numeral, operator, paragraph, put, terms, times,
} from "./mathematics.mjs";
import { number, signOf } from "./numbers.mjs";
import { guesses } from "./steps.mjs";
import { sentence, t } from "./texts.mjs";

export function showStep(step, place, { values, gradients }, hidden, state, predicting) {
  const { phase } = step;
  const counted = phase === "forward" || phase === "backward" || phase === "seed";
  document.querySelector("#step h2").textContent = counted
    ? t(phase === "forward" ? "step_forward" : "step_backward", { step: place, of: course.end })
    : t(`step_${phase}`);
  at("step").dataset.phase = phase;
  at("question").replaceChildren(...question(step, state));
  put("step", ...(hidden ? predictions(step, hidden, predicting) : describers[phase](step, values, gradients)));
}

function question({ phase, node, addition }, { selected }) {
  if (phase === "done" && selected.length === 1) return sentence("owes_title", { C: named(root), w: named(selected[0]) });
  if (phase === "start") return sentence("question_start", { C: named(root) });
  if (phase === "forward") return sentence("question_forward", { z: named(node) });
  if (phase === "seed") return sentence("question_seed", { C: named(root) });
  if (phase === "backward") return sentence("question_backward", { C: named(root), w: named(edges[addition.k].tail) });
  return sentence("question_done", { C: named(root) });
}

const describers = {
  start: () => [paragraph(...sentence("say_start", {}))],
  done: (step, values) => [
    chain(formula(root), numeral(values[root])),
    paragraph(...sentence("say_done", {})),
  ],
  forward: ({ node }, values) => [derivation(
    formula(node), [terms(nodes[node].formula), terms(nodes[node].formula, values), numeral(values[node])])],
  seed: () => [
    chain(derivative(root, root), numeral(1)),
    paragraph(...sentence("say_seed", { C: named(root) })),
  ],
  backward: ({ addition }, values) => {
    const { k, slope, arriving, product, before, after } = addition;
    const { tail, head } = edges[k];
    const { formula: local, constant } = graph.slopeFormula(k, values);
    const { prime } = edges[k];
    const part = (css, title, ...equation) =>
      element("div", { class: `part ${css}` }, element("h3", {}, ...title), chain(...equation));
    return [
      part("slope", sentence("local_derivative", {}), derivative(head, tail),
        ...(prime ? [mark(formula(prime))] : []), formula(local), ...(constant ? [] : [coloured(slope)])),
      part("arriving", sentence("arriving", {}), derivative(root, head), coloured(arriving)),
      part("product", sentence("product", {}), math("mrow", times([factor(slope), factor(arriving)])), coloured(product)),
      part("after", sentence("added", { w: named(tail) }), derivative(root, tail),
        math("mrow", numeral(before), operator("+"), factor(product)), coloured(after)),
    ];
  },
};

// What a narrow screen leaves out.
function mark(made) {
  made.setAttribute("class", "spare");
  return made;
}

// What is asked before a product is shown: its sign first, then the number.
function predictions({ addition }, hidden, { answer, said, tally }) {
  const { k, slope, arriving, product } = addition;
  const { tail, head } = edges[k];
  const choice = (text, name, value) => {
    const made = element("button", { type: "button", class: "guess", "data-guess": value }, text);
    made.addEventListener("click", () => answer(name, value));
    return made;
  };
  const given = chain(derivative(root, tail), math("mrow", derivative(head, tail), operator("·"), derivative(root, head)),
    math("mrow", times([factor(slope), factor(arriving)])), math("mi", "?"));
  const asked = hidden === "sign"
    ? [paragraph(...sentence("predict_sign", { C: named(root), w: named(tail) })),
      element("p", { class: "row" }, choice(`▲ ${t("up")}`, "sign", "positive"), choice(`▼ ${t("down")}`, "sign", "negative"), choice(`– ${t("not_at_all")}`, "sign", "zero"))]
    : [paragraph(...sentence("predict_product", {})),
      element("p", { class: "row" }, ...guesses(slope, arriving).map(x => choice(number(x), "product", String(Object.is(x, -0) ? 0 : x))))];
  return [given, ...asked, element("p", { class: "verdict", "aria-live": "polite" }, said ? t(said) : "",
    tally.all ? ` ${t("tally", { right: tally.right, all: tally.all })}` : "")];
}

// Whether an answer is right.
export function isRight(name, value, { product }) {
  return name === "sign" ? value === signOf(product) : Number(value) === product;
}

export function spoken(step, values) {
  const { phase } = step;
  if (phase === "forward") return t("hear_forward", { z: nodes[step.node].text, x: number(values[step.node]) });
  if (phase === "seed") return t("hear_seed", { C: nodes[root].text });
  if (phase === "backward") {
    const { k, slope, arriving, product, before, after } = step.addition;
    return t("hear_backward", {
      z: nodes[edges[k].head].text, w: nodes[edges[k].tail].text, slope: number(slope), arriving: number(arriving),
      product: number(product), before: number(before), after: number(after),
    });
  }
  return t(phase === "done" ? "hear_done" : "hear_start");
}
