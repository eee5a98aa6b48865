// The state, and what changes it.

const steps = [
  { phase: "start" },
  ...operations.map(node => ({ phase: "forward", node })),
  { phase: "seed" },
  ...graph.backward.map((k, j) => ({ phase: "backward", k, j })),
  { phase: "done" },
];
const END = steps.length - 1;
const state = { leaves: start.slice(), step: END, selected: [], costs: [], timer: null };
let computed; // from the leaves: all numbers, gradients and additions
let drawn = {}; // what the panels show that do not depend on the step
const at = id => document.getElementById(id);

function compute() {
  const values = forward(state.leaves);
  computed = { values, ...backward(values) };
  computed.widest = Math.max(0, ...computed.additions.map(({ product }) => Math.abs(product)).filter(x => x < Infinity));
}

// What is known after a number of steps.
const seeded = 1 + operations.length;
const knownFrom = {
  value: nodes.map((_, i) => operations.indexOf(i) + 1),
  gradient: nodes.map(() => seeded), // all of it, that is
};
graph.backward.forEach((k, j) => { knownFrom.gradient[edges[k].tail] = seeded + j + 1; });

function known(step) {
  const done = computed.additions.slice(0, Math.max(0, Math.min(step - seeded, graph.backward.length)));
  const gradients = nodes.map(() => undefined);
  if (step >= seeded) {
    nodes.forEach((node, i) => { if (node.op || node.free) gradients[i] = 0; });
    gradients[root] = 1;
  }
  done.forEach(({ k, after }) => { gradients[edges[k].tail] = after; });
  const values = computed.values.map((x, i) => (knownFrom.value[i] <= step ? x : undefined));
  const passed = new Map(done.map(one => [one.k, one]));
  const received = leaving.map(several => several.filter(k => passed.has(k)).length);
  return { values, gradients, received, passed };
}

function render(moved = true) {
  const { phase, node, j } = steps[state.step];
  const addition = phase === "backward" ? computed.additions[j] : null;
  const current = { phase, nodes: [], edges: [] };
  if (phase === "forward") Object.assign(current, { nodes: [node], edges: entering[node] });
  if (phase === "seed") current.nodes = [root];
  if (addition) Object.assign(current, { nodes: [edges[addition.k].tail], edges: [addition.k] });
  const now = known(state.step);
  showNumbers({ ...now, all: computed.values, widest: computed.widest, current });
  const step = { phase, node, addition };
  showStep(step, state.step, END, computed);
  if (drawn.computed !== computed || drawn.selected !== state.selected) {
    const paths = showSelection(state.selected, computed);
    drawn = { computed, selected: state.selected, paths };
    showLeaves(computed, state.selected);
    showHistory(state.costs);
  }
  showKnown(state.step);
  showTrails(drawn.paths, state.selected);
  at("scrubber").value = state.step;
  at("scrubber").setAttribute("aria-valuetext", spoken(step, computed.values));
  at("count").textContent = `${state.step} / ${END}`;
  at("first").disabled = at("back").disabled = state.step === 0;
  at("last").disabled = at("forward").disabled = state.step === END;
  if (moved) {
    at("spoken").textContent = spoken(step, computed.values);
    bringIntoView(addition ? [edges[addition.k].tail, edges[addition.k].head] : current.nodes);
  }
  remember();
}

function goTo(step) {
  state.step = Math.min(Math.max(step, 0), END);
  render();
}

// A committed change is one that the history keeps.
function setLeaves(changes, committed) {
  for (const [i, x] of changes) state.leaves[i] = x;
  compute();
  if (!committed) return;
  state.costs = [...state.costs, computed.values[root]].slice(-400);
  at("spoken").textContent = state.step < knownFrom.value[root] ? ""
    : `${nodes[root].text} is now ${number(computed.values[root])}.`;
}

function reset() {
  pause();
  state.leaves = start.slice();
  compute();
  state.costs = [computed.values[root]];
  for (const [i, { slider }] of controls) Object.assign(slider, { min: sliderRange(start[i]).low, max: sliderRange(start[i]).high });
  at("rate").value = sensibleRate(state.leaves);
  render(false);
}

function descend(times) {
  const rate = Number(at("rate").value);
  if (!(rate > 0)) return tell("The rate has to be a positive number.");
  for (let i = 0; i < times; i += 1) {
    const next = descended(computed.values, rate);
    setLeaves(movable.map(k => [k, next[k]]), true);
  }
  return render(false);
}

function choose(i) {
  const without = state.selected.filter(one => one !== i);
  state.selected = without.length < state.selected.length ? without : without.length < 2 ? [...without, i] : [i];
  render(false);
  if (state.selected.length) at("selection").scrollIntoView({ block: "start" });
}

// Playing.

function play() {
  if (state.step === END) state.step = 0;
  at("spoken").setAttribute("aria-live", "off"); // too much to listen to
  const next = () => {
    if (state.step + 1 < END) state.timer = setTimeout(next, Number(at("speed").value));
    else pause(); // before the last step, which is to be heard
    goTo(state.step + 1);
  };
  state.timer = setTimeout(next, 0);
  showPlaying();
}

function pause() {
  clearTimeout(state.timer);
  state.timer = null;
  at("spoken").setAttribute("aria-live", "polite");
  showPlaying();
}

function showPlaying() {
  const playing = state.timer !== null;
  at("play").classList.toggle("on", playing);
  at("play").setAttribute("aria-label", playing ? "Pause" : "Play");
}

function stepTo(step) {
  pause();
  goTo(step);
}

// The address: `#step=7&n0=1.25&selected=0`, of which only what is not as at the start is said.

let waiting = null;
let told = location.hash; // what the state is of; anything else a reader has typed, and it will be recalled

function remember() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (location.hash !== told) return;
    try { // where the page has no address of its own, as in a notebook, it cannot
      history.replaceState(null, "", link());
      told = location.hash;
    } catch (error) { /* nothing is lost but the link */ }
  }, 200);
}

function link() {
  const said = leaves.filter(i => !Object.is(state.leaves[i], start[i]))
    .map(i => `n${i}=${Object.is(state.leaves[i], -0) ? "-0" : state.leaves[i]}`);
  if (state.step !== END) said.unshift(`step=${state.step}`);
  if (state.selected.length) said.push(`selected=${state.selected.join(",")}`);
  return said.length || location.hash ? `#${said.join("&")}` : location.href;
}

// Take the state from the address; whatever is not understood is said and left out.
function recall() {
  const strange = [];
  told = location.hash;
  pause();
  Object.assign(state, { leaves: start.slice(), step: END, selected: [] });
  for (const one of location.hash.slice(1).split("&").filter(Boolean)) {
    const [, name, text] = /^(\w+)=(.*)$/.exec(one) || [];
    if (!(name && understood(name, text))) strange.push(one);
  }
  compute();
  state.costs = [computed.values[root]];
  tell(strange.length ? `The link says “${strange.join("&").slice(0, 80)}”, which means nothing here and was ignored.` : "");
  render();
  const ends = drawn.paths.flat().flatMap(k => [edges[k].tail, edges[k].head]);
  if (!bringIntoView(ends, true)) bringIntoView(state.selected);
}

function understood(name, text) {
  const whole = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (name === "step" && whole >= 0 && whole <= END) state.step = whole;
  else if (name === "selected" && /^\d{1,9}(,\d{1,9})?$/.test(text)) {
    const chosenOnes = [...new Set(text.split(",").map(Number))];
    if (chosenOnes.some(i => !nodes[i] || !boxes[i].hasAttribute("role"))) return false;
    state.selected = chosenOnes;
  } else if (/^n\d{1,9}$/.test(name) && leaves.includes(Number(name.slice(1)))) {
    const x = /^-?(\d+\.?\d*(e[-+]?\d+)?|Infinity)$|^NaN$/.test(text) ? Number(text) : undefined;
    if (x === undefined) return false;
    state.leaves[Number(name.slice(1))] = x;
  } else return false;
  return true;
}

function tell(text) {
  at("message").textContent = text;
  at("message").hidden = !text;
}

// The page's own check: this browser's numbers against Python's.
function disagreement() {
  const alike = (x, y) => Object.is(x, y) || x === y || Math.abs(x - y) <= 1e-9 * Math.min(Math.abs(x), Math.abs(y));
  const values = forward(start);
  const i = values.findIndex((x, k) => !alike(x, start[k]));
  return i < 0 ? "" : `This browser computes ${nodes[i].text} = ${values[i]}; Python computed ${start[i]}.`;
}

// Who is listening to what.

const clicks = {
  skip: event => { // the link's own way would write over the address
    event.preventDefault();
    at("step").focus();
  },
  first: () => stepTo(0),
  back: () => stepTo(state.step - 1),
  forward: () => stepTo(state.step + 1),
  last: () => stepTo(END),
  play: () => (state.timer === null ? play() : pause()),
  "zoom-in": () => zoom(1.3),
  "zoom-out": () => zoom(1 / 1.3),
  "zoom-fit": wholePicture,
  descend: () => descend(1),
  "descend-more": () => descend(10),
  reset,
  share: () => {
    const address = location.href.split("#")[0] + (link().startsWith("#") ? link() : "");
    const copied = navigator.clipboard ? navigator.clipboard.writeText(address) : Promise.reject(new Error("no clipboard"));
    copied.then(() => tell("The link is copied."), () => tell(`The link: ${address}`));
  },
  theme: () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  },
};

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function nameTheme() {
  at("theme").textContent = isDark() ? "Light" : "Dark";
}

for (const [id, action] of Object.entries(clicks)) {
  at(id).addEventListener("click", event => {
    tell("");
    action(event);
  });
}
at("scrubber").addEventListener("input", () => stepTo(Number(at("scrubber").value)));
boxes.forEach((box, i) => {
  if (!box.hasAttribute("role")) return;
  box.addEventListener("click", () => { if (travelled <= 5) choose(i); });
  box.addEventListener("focus", () => { if (box.matches(":focus-visible")) bringIntoView([i]); });
});

const keys = {
  ArrowLeft: clicks.back, ArrowRight: clicks.forward, Home: clicks.first, End: clicks.last, " ": clicks.play,
  "+": clicks["zoom-in"], "=": clicks["zoom-in"], "-": clicks["zoom-out"], 0: clicks["zoom-fit"],
  Escape: () => { state.selected = []; render(false); },
};

addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  const box = boxes.indexOf(target);
  if ((key === "Enter" || key === " ") && box >= 0) choose(box);
  else if (key !== "Escape" && target.matches("input, select, textarea")) return; // its own keys
  else if (key === " " && target.matches("button")) return;
  else if (keys[key]) keys[key]();
  else return;
  event.preventDefault();
});
addEventListener("hashchange", recall);
addEventListener("beforeprint", () => {
  picture.setAttribute("viewBox", `0 0 ${layout.size.join(" ")}`);
  scene.removeAttribute("transform");
});
addEventListener("afterprint", () => look(seen.x, seen.y, seen.scale));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);

document.querySelector("h1").replaceChildren(named(root), ", step by step");
at("scrubber").max = END;
nameTheme();
at("share").hidden = location.protocol === "about:"; // in a notebook there is nothing to link to
describeDescent();
makeLeaves((i, x, committed) => {
  setLeaves([[i, x]], committed);
  render(false);
});
tell("");
turn();
showBeginning();
at("rate").value = sensibleRate(start);
recall();
if (disagreement()) tell(disagreement());
at("descend").disabled = at("descend-more").disabled = !movable.length;
