// What changes the state, and who is listening to what.

import { bringIntoView, drag, listenToPointers, showBeginning, turn, wholePicture, zoom } from "./camera.mjs";
import { at, course, edges, entering, graph, knownFrom, nodes, root, start, steps } from "./data.mjs";
import { describeDescent, descended, makeLeaves, movable, resetSliders, sensibleRate, showHistory, showLeaves } from "./leaves.mjs";
import { formula, inline, named, operator } from "./mathematics.mjs";
import { flash, flow, moves, stopMotion, travel } from "./motion.mjs";
import { drawNetwork, hasNetwork, showNetwork } from "./network.mjs";
import { number } from "./numbers.mjs";
import { arrows, boxes, choosable, layout, showLabels, showNumbers, showTrails } from "./picture.mjs";
import { savePng, saveSvg } from "./save.mjs";
import { compute, computed, fragment, recall, state } from "./state.mjs";
import { isRight, showStep, spoken } from "./step.mjs";
import { spokenIn, t, writeTexts } from "./texts.mjs";
import { showKnown, showSelection } from "./value.mjs";

const { end } = course;
const VIEWS = hasNetwork ? ["graph", "network"] : ["graph"];
let drawn = {}; // what the panels show that does not depend on the step
let timer = null;
let pointed = null; // the arrow under the pointer
let held = null; // what an animation still has to bring

function stepNow() {
  const { phase, node, j } = steps[state.step];
  return { phase, node, addition: phase === "backward" ? computed.additions[j] : null };
}

function render(moved = true) {
  const step = stepNow();
  const { phase, node, addition } = step;
  const current = { phase, nodes: [], edges: [] };
  if (phase === "forward") Object.assign(current, { nodes: [node], edges: entering[node] });
  if (phase === "seed") current.nodes = [root];
  if (addition) Object.assign(current, { nodes: [edges[addition.k].tail], edges: [addition.k] });
  const hidden = asking();
  const now = course.known(hidden ? state.step - 1 : state.step, computed);
  showNumbers({ ...now, all: computed.values, widest: computed.widest, strongest: computed.strongest, current, held });
  showStep(step, state.step, computed, hidden, state, { answer, said: state.said, tally: state.tally });
  if (drawn.computed !== computed || drawn.selected !== state.selected || drawn.arrow !== state.arrow || drawn.language !== spokenIn.language) {
    const paths = showSelection(state, computed, chooseArrow);
    drawn = { computed, selected: state.selected, arrow: state.arrow, language: spokenIn.language, paths };
    showLeaves(computed, state.selected);
    showHistory(state.costs);
  }
  showKnown(hidden ? state.step - 1 : state.step);
  showTrails(drawn.paths, state.selected, state.arrow);
  label();
  if (hasNetwork) showNetwork({ ...now, widest: computed.widest, state, current });
  const said = spoken(step, computed.values);
  at("scrubber").value = state.step;
  at("scrubber").setAttribute("aria-valuetext", said);
  at("count").textContent = `${state.step} / ${end}`;
  document.body.dataset.phase = phase;
  at("first").disabled = at("back").disabled = state.step === 0;
  at("last").disabled = at("forward").disabled = state.step === end;
  if (moved) {
    at("spoken").textContent = hidden ? "" : said;
    bringIntoView(addition ? [edges[addition.k].tail, edges[addition.k].head] : current.nodes);
  }
  remember();
}

// The texts at arrows: of the one under the pointer, the chosen one, the one of the step, a single path's.
function label() {
  const { phase, addition } = stepNow();
  const which = new Set();
  const small = addition && !layout.tall; // where there is little room the card has the formula
  if (addition && !small) which.add(addition.k);
  if (state.arrow !== null) which.add(state.arrow);
  if (pointed !== null) which.add(pointed);
  const alone = drawn.paths && drawn.paths.length === 1 && phase !== "backward" ? drawn.paths[0] : small ? [addition.k] : [];
  showLabels([...which], alone.filter(k => !which.has(k)), computed.values);
}

// A step; one step forward is shown as it happens, unless the reader wants nothing to move.
function goTo(step, animated = false) {
  stopMotion();
  const before = state.step;
  state.step = Math.min(Math.max(step, 0), end);
  state.predicted = null;
  state.said = "";
  held = null;
  if (animated && state.step === before + 1) animate();
  else render();
}

function animate() {
  const { phase, node, addition } = stepNow();
  const duration = Math.min(0.85 * pace(), 1500);
  if (!moves() || duration < 150 || state.view !== "graph" || asking()) return render();
  const arrived = () => {
    const where = held && (held.value ?? held.gradient);
    held = null;
    render(false);
    if (where !== undefined && where !== null) flash(where);
  };
  if (phase === "forward" && entering[node].length) {
    held = { value: node };
    render();
    flow(node, 0.5 * duration, arrived);
  } else if (addition) {
    held = { gradient: edges[addition.k].tail, before: addition.before };
    render();
    travel(addition, duration, arrived);
  } else render();
  return undefined;
}

// Predicting: which question has to be answered before the step is shown; "" for none.
function asking() {
  if (!state.predicting || steps[state.step].phase !== "backward" || state.predicted === "product") return "";
  return state.predicted === "sign" ? "product" : "sign";
}

function answer(name, value) {
  const right = isRight(name, value, stepNow().addition);
  state.tally.all += 1;
  state.tally.right += right;
  state.said = right ? "right" : "wrong";
  if (right || name === "product") state.predicted = name;
  const asks = asking();
  if (!asks && right) animate();
  else render(false);
  if (!asks) at("forward").focus();
}

// A committed change is one that the history keeps.
function setLeaves(changes, committed) {
  stopMotion();
  for (const [i, x] of changes) state.leaves[i] = x;
  compute();
  if (!committed) return;
  state.costs = [...state.costs, computed.values[root]].slice(-400);
  at("spoken").textContent = state.step < knownFrom.value[root] ? "" : t("is_now", { C: nodes[root].text, x: number(computed.values[root]) });
}

function reset() {
  pause();
  state.leaves = start.slice();
  compute();
  state.costs = [computed.values[root]];
  resetSliders();
  at("rate").value = sensibleRate(state.leaves);
  render(false);
}

function descend(times) {
  const rate = Number(at("rate").value);
  if (!(rate > 0)) return tell(t("rate_wrong"));
  for (let i = 0; i < times; i += 1) {
    const next = descended(computed.values, rate);
    setLeaves(movable.map(k => [k, next[k]]), true);
  }
  return render(false);
}

// Choosing: one value, a second one for what is between them, or an arrow. Who chooses before
// the first step sees all that follows from it.
function choose(i) {
  stopMotion();
  const without = state.selected.filter(one => one !== i);
  state.selected = without.length < state.selected.length ? without : without.length < 2 ? [...without, i] : [i];
  state.arrow = null;
  state.delta = null;
  chosen();
}

function chooseArrow(k) {
  stopMotion();
  state.arrow = state.arrow === k ? null : k;
  state.selected = [];
  chosen();
}

function chosen() {
  if (state.step === 0 && (state.selected.length || state.arrow !== null)) state.step = end;
  render(false);
  const ends = drawn.paths.flat().flatMap(k => [edges[k].tail, edges[k].head]);
  if (!bringIntoView(ends)) bringIntoView(state.selected);
  at("panels").scrollTop = 0;
}

function unchoose() {
  state.selected = [];
  state.arrow = null;
  render(false);
}

// Playing.

const pace = () => Number(at("speed").value);

function play() {
  if (state.step === end) goTo(0);
  at("spoken").setAttribute("aria-live", "off"); // too much to listen to
  const next = () => {
    if (asking()) return pause();
    const phase = steps[Math.min(state.step + 1, end)].phase;
    if (state.step + 1 < end) timer = setTimeout(next, phase === "forward" ? 0.6 * pace() : pace());
    else pause(); // before the last step, which is to be heard
    return goTo(state.step + 1, true);
  };
  timer = setTimeout(next, 0);
  showPlaying();
}

function pause() {
  clearTimeout(timer);
  timer = null;
  at("spoken").setAttribute("aria-live", "polite");
  showPlaying();
}

function showPlaying() {
  const playing = timer !== null;
  at("play").classList.toggle("on", playing);
  at("play").setAttribute("aria-label", t(playing ? "pause" : "play"));
  at("play-word").textContent = t(playing ? "pause" : "play");
}

function stepTo(step, animated) {
  pause();
  goTo(step, animated);
}

// The address.

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
  const said = fragment();
  return said || location.hash ? `#${said}` : location.href;
}

function followAddress() {
  told = location.hash;
  pause();
  stopMotion();
  held = null;
  const strange = recall(location.hash.slice(1), choosable, VIEWS);
  if (state.step === 0 && (state.selected.length || state.arrow !== null)) state.step = end;
  compute();
  state.costs = [computed.values[root]];
  tell(strange.length ? t("link_strange", { text: strange.join("&").slice(0, 80) }) : "");
  showView();
  render();
  const ends = drawn.paths.flat().flatMap(k => [edges[k].tail, edges[k].head]);
  if (!bringIntoView(ends)) bringIntoView(state.selected);
}

function tell(text) {
  at("message").textContent = text;
  at("message").hidden = !text;
}

// The page's own check: this browser's numbers against Python's.
function disagreement() {
  const alike = (x, y) => Object.is(x, y) || x === y || Math.abs(x - y) <= 1e-9 * Math.min(Math.abs(x), Math.abs(y));
  const values = graph.forward(start);
  const i = values.findIndex((x, k) => !alike(x, start[k]));
  return i < 0 ? "" : t("disagreement", { z: nodes[i].text, here: values[i], there: start[i] });
}

// Views, tabs, language, theme.

function showView() {
  for (const name of ["graph", "network"]) at(`view-${name}`).setAttribute("aria-pressed", state.view === name);
  at("views").hidden = !hasNetwork;
  at("network").hidden = state.view !== "network";
  document.body.dataset.view = state.view;
}

function view(name) {
  stopMotion();
  state.view = name;
  showView();
  render(false);
}

function showTab(name) {
  state.tab = name;
  at("panels").dataset.tab = name;
  for (const one of document.querySelectorAll("#tabs button")) one.setAttribute("aria-pressed", one.dataset.tab === name);
}

function translate() {
  writeTexts();
  const heading = nodes[root].formula ? inline(formula(root), operator("="), formula(nodes[root].formula)) : named(root);
  document.querySelector("h1").replaceChildren(heading);
  document.title = t("title", { C: nodes[root].text });
  nameTheme();
  describeDescent();
  makeLeaves((i, x, committed) => {
    setLeaves([[i, x]], committed);
    render(false);
  });
  if (hasNetwork) drawNetwork(choose);
  showPlaying();
  drawn = {};
}

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function nameTheme() {
  at("theme").textContent = isDark() ? "☀" : "☾";
  at("theme").setAttribute("aria-label", t(isDark() ? "light" : "dark"));
}

// Who is listening to what.

const clicks = {
  skip: event => { // the link's own way would write over the address
    event.preventDefault();
    at("step").focus();
  },
  first: () => stepTo(0),
  back: () => stepTo(state.step - 1),
  forward: () => stepTo(state.step + 1, true),
  last: () => stepTo(end),
  play: () => (timer === null ? play() : pause()),
  "zoom-in": () => zoom(1.3),
  "zoom-out": () => zoom(1 / 1.3),
  "zoom-fit": wholePicture,
  descend: () => descend(1),
  "descend-more": () => descend(10),
  reset,
  share: () => {
    const address = location.href.split("#")[0] + (link().startsWith("#") ? link() : "");
    const copied = navigator.clipboard ? navigator.clipboard.writeText(address) : Promise.reject(new Error("no clipboard"));
    copied.then(() => tell(t("link_copied")), () => tell(`${t("the_link")} ${address}`));
  },
  "save-svg": saveSvg,
  "save-png": savePng,
  predict: () => {
    pause();
    stopMotion();
    state.predicting = !state.predicting;
    state.predicted = state.predicting ? null : "product";
    state.said = "";
    state.tally = { right: 0, all: 0 };
    at("predict").setAttribute("aria-pressed", state.predicting);
    render(false);
  },
  "view-graph": () => view("graph"),
  "view-network": () => view("network"),
  theme: () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  },
};

for (const [id, action] of Object.entries(clicks)) {
  at(id).addEventListener("click", event => {
    tell("");
    action(event);
  });
}
for (const one of document.querySelectorAll("#tabs button")) one.addEventListener("click", () => showTab(one.dataset.tab));
at("language").addEventListener("change", () => {
  spokenIn.language = at("language").value;
  translate();
  render();
});
at("scrubber").addEventListener("input", () => stepTo(Number(at("scrubber").value)));
boxes.forEach((box, i) => {
  if (!box.hasAttribute("role")) return;
  box.addEventListener("click", () => { if (drag.travelled <= 5) choose(i); });
  box.addEventListener("focus", () => { if (box.matches(":focus-visible")) bringIntoView([i]); });
});
arrows.forEach((arrow, k) => {
  if (!edges[k].live) return;
  arrow.addEventListener("click", () => { if (drag.travelled <= 5) chooseArrow(k); });
  for (const [kind, value] of [["pointerenter", k], ["pointerleave", null]]) {
    arrow.addEventListener(kind, () => {
      pointed = value;
      label();
    });
  }
});

const keys = {
  ArrowLeft: clicks.back, ArrowRight: clicks.forward, Home: clicks.first, End: clicks.last,
  "+": clicks["zoom-in"], "=": clicks["zoom-in"], "-": clicks["zoom-out"], 0: clicks["zoom-fit"], Escape: unchoose,
};

addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  const box = boxes.indexOf(target);
  if (key === " ") clicks.play(); // always, wherever the reader is
  else if (key === "Enter" && box >= 0) choose(box);
  else if (key !== "Escape" && target.matches("input, select, textarea")) return; // its own keys
  else if (keys[key]) keys[key]();
  else return;
  event.preventDefault();
});
addEventListener("keyup", event => { if (event.key === " ") event.preventDefault(); }); // no button takes it for a click
addEventListener("hashchange", followAddress);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);

at("scrubber").max = end;
at("share").hidden = location.protocol === "about:"; // in a notebook there is nothing to link to
compute();
turn();
translate();
showTab(state.tab);
listenToPointers();
showBeginning();
at("rate").value = sensibleRate(start);
tell("");
followAddress();
if (disagreement()) tell(disagreement());
at("descend").disabled = at("descend-more").disabled = !movable.length;
document.body.classList.add("ready");
