// The state, what follows from it, and the address that keeps it:
// `#step=7&n0=1.25&selected=0`, of which only what is not as at the start is said.

import { course, graph } from "./data.mjs";

export const state = {
  leaves: graph.start.slice(), step: 0, selected: [], arrow: null, view: "graph",
  costs: [], delta: null, predicting: false, predicted: null, tally: { right: 0, all: 0 }, tab: "nudge",
};
export let computed; // from the leaves: all numbers, gradients and additions

export function compute() {
  const values = graph.forward(state.leaves);
  computed = { values, ...graph.backward(values) };
  const sizes = computed.additions.map(({ product }) => Math.abs(product)).filter(x => x < Infinity);
  computed.widest = Math.max(0, ...sizes);
  const others = computed.gradients.filter((g, i) => i !== graph.root && Number.isFinite(g)).map(Math.abs);
  computed.strongest = Math.max(0, ...others);
}

export function fragment() {
  const said = graph.leaves.filter(i => !Object.is(state.leaves[i], graph.start[i]))
    .map(i => `n${i}=${Object.is(state.leaves[i], -0) ? "-0" : state.leaves[i]}`);
  if (state.step !== 0) said.unshift(`step=${state.step}`);
  if (state.selected.length) said.push(`selected=${state.selected.join(",")}`);
  if (state.arrow !== null) said.push(`arrow=${state.arrow}`);
  if (state.view !== "graph") said.push(`view=${state.view}`);
  return said.join("&");
}

// Take the state from a fragment; give back whatever is not understood, which is left out.
export function recall(text, choosable, views) {
  Object.assign(state, { leaves: graph.start.slice(), step: 0, selected: [], arrow: null, view: "graph" });
  return text.split("&").filter(Boolean).filter(one => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(one) || [];
    return !(name && understood(name, value, choosable, views));
  });
}

function understood(name, text, choosable, views) {
  const whole = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (name === "step" && whole >= 0 && whole <= course.end) state.step = whole;
  else if (name === "selected" && /^\d{1,9}(,\d{1,9})?$/.test(text)) {
    const chosen = [...new Set(text.split(",").map(Number))];
    if (!chosen.every(choosable)) return false;
    state.selected = chosen;
  } else if (name === "arrow" && whole >= 0 && graph.edges[whole] && graph.edges[whole].live) state.arrow = whole;
  else if (name === "view" && views.includes(text)) state.view = text;
  else if (/^n\d{1,9}$/.test(name) && graph.leaves.includes(Number(name.slice(1)))) {
    const x = /^-?(\d+\.?\d*(e[-+]?\d+)?|Infinity)$|^NaN$/.test(text) ? Number(text) : undefined;
    if (x === undefined) return false;
    state.leaves[Number(name.slice(1))] = x;
  } else return false;
  return true;
}
