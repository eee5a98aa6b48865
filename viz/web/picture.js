// The picture: its numbers, what is brought out in it, and how much of it is seen.

const picture = document.getElementById("picture");
const scene = document.getElementById("scene");
const pane = document.getElementById("pane");
const trails = document.getElementById("trails");
const boxes = nodes.map((_, i) => document.getElementById(`n${i}`));
const arrows = edges.map((_, k) => document.getElementById(`e${k}`));
const COLOURS = 8; // of paths

boxes.forEach((box, i) => {
  if (nodes[i].kind === "constant" && !nodes[i].free) return; // nothing to say of the 2 in 2 x
  box.setAttribute("role", "button");
  box.setAttribute("tabindex", "0");
});

// Write what is known at this step. `values` and `gradients` have undefined for what is not.
function showNumbers({ values, gradients, received, passed, all, widest, current }) {
  boxes.forEach((box, i) => {
    const value = box.querySelector(".value");
    const gradient = box.querySelector(".gradient");
    if (value) write(value, values[i] === undefined ? "…" : number(values[i]));
    if (gradient) write(gradient, gradients[i] === undefined ? "…" : number(gradients[i]));
    setData(box, "value", values[i]);
    setData(box, "gradient", nodes[i].kind === "constant" ? undefined : gradients[i]);
    box.classList.toggle("waiting", values[i] === undefined);
    box.classList.toggle("pending", gradients[i] !== undefined && received[i] === 0 && i !== root);
    box.classList.toggle("partial", received[i] > 0 && received[i] < leaving[i].length);
    box.classList.toggle("current", current.nodes.includes(i));
    if (box.hasAttribute("role")) box.setAttribute("aria-label", described(i, values[i], gradients[i]));
  });
  arrows.forEach((arrow, k) => {
    const addition = passed.get(k);
    const shown = chosen(k, all);
    arrow.querySelectorAll("text").forEach((text, i) => {
      text.classList.toggle("other", i !== shown);
      const slope = text.querySelector(".slope");
      if (slope) write(slope, addition ? ` = ${number(addition.slope)}` : "");
    });
    setData(arrow, "slope", addition && addition.slope);
    const part = addition && widest > 0 && widest < Infinity ? Math.abs(addition.product) / widest : 0;
    arrow.firstElementChild.setAttribute("stroke-width", (graph.thin + graph.wider * (part || 0)).toFixed(2));
    arrow.classList.toggle("waiting", edges[k].live && !addition && current.phase !== "done");
    arrow.classList.toggle("current", current.edges.includes(k));
  });
}

// A text that stands there already is not laid out again: in a large picture that takes long.
function write(inside, text) {
  if (inside.textContent !== text) inside.textContent = text;
}

function setData(of, name, x) {
  if (x === undefined) delete of.dataset[name];
  else of.dataset[name] = Object.is(x, -0) ? "-0" : String(x);
}

function described(i, value, gradient) {
  const { text, kind } = nodes[i];
  const said = [`${text}, ${kind}`];
  said.push(value === undefined ? "not computed yet" : `value ${number(value)}`);
  if (kind !== "constant" && gradient !== undefined) said.push(`gradient ${number(gradient)}`);
  return said.join(", ");
}

// Draw paths over the arrows, each in its colour; where several run, their colours take turns.
function showTrails(paths, selected) {
  const colours = new Map();
  paths.forEach((path, j) => path.forEach(k => colours.set(k, [...(colours.get(k) || []), j])));
  trails.replaceChildren(...[...colours].flatMap(([k, several]) => several.map((j, turn) => {
    const line = arrows[k].firstElementChild;
    const width = Math.max(Number(line.getAttribute("stroke-width")), 3);
    const attributes = { d: line.getAttribute("d"), class: `trail c${j % COLOURS}`, "data-path": j, "data-edge": k, "stroke-width": width };
    if (several.length > 1) {
      attributes["stroke-dasharray"] = `9 ${9 * (several.length - 1)}`;
      attributes["stroke-dashoffset"] = -9 * turn;
    }
    return svg("path", attributes);
  })));
  picture.classList.toggle("choosing", selected.length > 0);
  const on = new Set([...selected, ...paths.flat().flatMap(k => [edges[k].tail, edges[k].head])]);
  boxes.forEach((box, i) => {
    box.classList.toggle("selected", selected.includes(i));
    box.classList.toggle("lit", on.has(i));
    if (box.hasAttribute("role")) box.setAttribute("aria-pressed", selected.includes(i));
  });
  arrows.forEach((arrow, k) => arrow.classList.toggle("lit", colours.has(k)));
}

// Bring out one path of several; none for all alike.
function emphasise(path) {
  for (const trail of trails.children) {
    trail.classList.toggle("quiet", path !== null && trail.dataset.path !== String(path));
  }
}

// The layouts: as the file has it and, unless a direction was asked for, from the top down.

const lines = arrows.map(arrow => arrow.querySelectorAll(".line, .head, text"));
const layouts = [{
  size: picture.getAttribute("viewBox").split(" ").slice(2).map(Number),
  boxes: boxes.map(() => [0, 0]),
  arrows: lines.map(([line, head, label]) => [line.getAttribute("d"), head.getAttribute("d"),
    ...(label ? [label.getAttribute("x"), label.getAttribute("y")] : [])]),
}, graph.turned].filter(Boolean);
let layout; // the one that is seen

// A miniature, the whole picture without its texts.
const map = document.getElementById("map");
const little = map.appendChild(svg("svg", {},
  ...arrows.map(arrow => arrow.firstElementChild.cloneNode()),
  ...boxes.map((box, i) => filled(box.firstElementChild.cloneNode(), { class: nodes[i].kind }, []))));
const frame = little.appendChild(svg("rect", { class: "frame" }));

function arrange() {
  const [width, height] = layout.size;
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  filled(little, { viewBox: `0 0 ${width} ${height}`, width, height }, []);
  layout.arrows.forEach(([line, head, x, y], k) => {
    lines[k].forEach((part, i) => filled(part, i < 2 ? { d: [line, head][i] } : { x, y }, []));
    little.children[k].setAttribute("d", line);
  });
  layout.boxes.forEach((by, i) => {
    for (const one of [boxes[i], little.children[edges.length + i]]) one.setAttribute("transform", `translate(${by})`);
  });
  for (const trail of trails.children) trail.setAttribute("d", layout.arrows[trail.dataset.edge][0]);
}

function placeOf(i) {
  const { x, y, width, height } = boxes[i].firstElementChild.getBBox();
  const [right, down] = layout.boxes[i];
  return { x: x + right, y: y + down, width, height };
}

// What is seen: the point in the middle, and how many pixels a point is wide.

const seen = { x: 0, y: 0, scale: 1, wanted: 1, whole: false };
const READABLE = 11 / 13, COMFORTABLE = 12 / 13, SMALLEST = COMFORTABLE / 2, LARGEST = 4; // a box's text has 13 points
const NARROW = 600, AROUND = 14; // pixels; so many are left free around the picture

// The scales at which the picture is as wide and as high as what there is for it.
function fits({ size: [width, height] }) {
  return [(pane.clientWidth - 2 * AROUND) / width, (pane.clientHeight - 2 * AROUND) / height];
}

function fit(one = layout) {
  return Math.min(...fits(one), 1.4);
}

// Take the first layout if all of it can be read, else the one that can be seen clearly larger; where there
// is little width the one from the top down, if it is about as large. Say whether that is a change.
function turn() {
  const [first, other] = layouts;
  const enough = fit(first) * (pane.clientWidth < NARROW ? 0.9 : 1.1);
  const better = other && fit(first) < READABLE && fit(other) > enough ? other : first;
  if (better === layout) return false;
  layout = better;
  arrange();
  return true;
}

// All of it, if that can be read; else what is computed first, and all the width or height if that can be.
function showBeginning() {
  const first = operations.length ? operations[0] : root;
  const across = Math.max(...fits(layout));
  seen.wanted = fit() >= READABLE ? fit() : across >= READABLE ? Math.min(across, 1) : COMFORTABLE;
  const parents = entering[first].map(k => edges[k].tail);
  // Between it and what it is computed from.
  const [x, y] = [["x", "width"], ["y", "height"]].map(([side, size]) => {
    const middle = several => several.map(placeOf).reduce((sum, box) => sum + box[side] + box[size] / 2, 0) / several.length;
    return (middle([first]) + middle(parents.length ? parents : [first])) / 2;
  });
  look(x, y, seen.wanted);
  bringIntoView([first]);
}

function look(x, y, scale) {
  const [width, height] = layout.size;
  seen.scale = Math.min(Math.max(scale, Math.min(fit(), 1)), LARGEST);
  seen.whole = seen.scale <= fit();
  map.hidden = seen.whole; // which leaves more room for the picture
  const [wide, high] = [pane.clientWidth / seen.scale, pane.clientHeight / seen.scale];
  // Of what is larger than the view a margin is left free; else it is in the middle.
  const inside = (middle, half, size) => {
    const margin = AROUND / seen.scale;
    return size + 2 * margin <= 2 * half ? size / 2 : Math.min(Math.max(middle, half - margin), size + margin - half);
  };
  seen.x = inside(x, wide / 2, width);
  seen.y = inside(y, high / 2, height);
  const [left, top] = [seen.x - wide / 2, seen.y - high / 2];
  picture.removeAttribute("viewBox"); // each other one would have all texts laid out anew, which takes long
  scene.setAttribute("transform", `scale(${seen.scale}) translate(${-left} ${-top})`);
  filled(frame, { x: left, y: top, width: wide, height: high }, []);
}

function zoom(factor, x = seen.x, y = seen.y) {
  const scale = Math.min(Math.max(seen.scale * factor, Math.min(fit(), 1)), LARGEST);
  const kept = seen.scale / scale; // the point under the pointer stays there
  look(x + (seen.x - x) * kept, y + (seen.y - y) * kept, scale);
  seen.wanted = seen.scale;
}

function wholePicture() {
  look(0, 0, fit());
  seen.wanted = seen.scale;
}

// Move only as far as is needed to see these boxes; and back to the scale that
// the reader wanted, or as near as shows them all. With `wish`, only if that is not too small; say whether.
function bringIntoView(which, wish = false) {
  if (!which.length) return false;
  const around = which.map(placeOf);
  const [left, top] = ["x", "y"].map(side => Math.min(...around.map(box => box[side])));
  const right = Math.max(...around.map(box => box.x + box.width));
  const bottom = Math.max(...around.map(box => box.y + box.height));
  const [wide, high] = [Math.max(pane.clientWidth - 2 * AROUND, 1), Math.max(pane.clientHeight - 2 * AROUND, 1)];
  const needed = Math.min(wide / (right - left), high / (bottom - top));
  if (wish && needed < SMALLEST) return false;
  const enough = Math.max(needed, SMALLEST);
  // Of few scales, for with each change all texts are laid out anew.
  const scale = seen.wanted * 0.7 ** Math.max(0, Math.ceil(Math.log(enough / seen.wanted) / Math.log(0.7)));
  const inside = (middle, low, up, half) =>
    up - low > 2 * half ? (low + up) / 2 : Math.min(Math.max(middle, up - half), low + half);
  const x = inside(seen.x, left, right, wide / scale / 2);
  const y = inside(seen.y, top, bottom, high / scale / 2);
  look(x, y, scale);
  return true;
}

// The point of the picture under a pointer.
function pointAt(event) {
  const box = pane.getBoundingClientRect();
  return {
    x: seen.x + (event.clientX - box.left - box.width / 2) / seen.scale,
    y: seen.y + (event.clientY - box.top - box.height / 2) / seen.scale,
  };
}

pane.addEventListener("wheel", event => {
  const { x, y } = pointAt(event);
  const before = `${seen.x} ${seen.y}`;
  if (event.ctrlKey) zoom(Math.exp(-event.deltaY / 200), x, y);
  else look(seen.x + event.deltaX / seen.scale, seen.y + event.deltaY / seen.scale, seen.scale);
  if (event.ctrlKey || before !== `${seen.x} ${seen.y}`) event.preventDefault(); // else the page may scroll
}, { passive: false });

const pointers = new Map();
let travelled = 0;

picture.addEventListener("pointerdown", event => {
  if (!pointers.size) travelled = 0;
  pointers.set(event.pointerId, event);
});
addEventListener("pointermove", event => {
  const last = pointers.get(event.pointerId);
  if (!last) return;
  const others = [...pointers.values()].filter(one => one.pointerId !== event.pointerId);
  travelled += Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY);
  pointers.set(event.pointerId, event);
  if (others.length) {
    const apart = one => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY);
    const { x, y } = pointAt(event);
    zoom(apart(event) / Math.max(apart(last), 1), x, y);
  } else if (travelled > 5) {
    look(seen.x - (event.clientX - last.clientX) / seen.scale, seen.y - (event.clientY - last.clientY) / seen.scale, seen.scale);
  }
});
for (const kind of ["pointerup", "pointercancel"]) {
  addEventListener(kind, event => pointers.delete(event.pointerId));
}

map.addEventListener("pointerdown", event => {
  const box = map.getBoundingClientRect();
  const [width, height] = layout.size;
  look(((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height, seen.scale);
});
addEventListener("resize", () => { if (turn()) showBeginning(); });
new ResizeObserver(() => look(seen.x, seen.y, seen.whole ? fit() : seen.scale)).observe(pane);
