// The picture: its numbers, what is brought out in it, and how much of it is seen.

const picture = document.getElementById("picture");
const scene = document.getElementById("scene");
const view = document.getElementById("view");
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
    const attributes = { d: line.getAttribute("d"), class: `trail c${j % COLOURS}`, "data-path": j, "stroke-width": width };
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

// What is seen: the point in the middle, and how many pixels a point is wide.

const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
const seen = { x: width / 2, y: height / 2, scale: 1, wanted: 1 };
const READABLE = 0.65, LARGEST = 4;

// The whole picture without its texts.
const little = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height },
  ...arrows.map(arrow => arrow.firstElementChild.cloneNode()),
  ...boxes.map((box, i) => filled(box.firstElementChild.cloneNode(), { class: nodes[i].kind }, [])));
const frame = little.appendChild(svg("rect", { class: "frame" }));
const map = element("div", { id: "map", "aria-hidden": "true" });
map.append(little);
view.append(map);

// Room around the picture, in pixels: at the top for what lies over it, and below for the map.
const AROUND = 14, ABOVE = 56;
const below = () => map.offsetHeight + AROUND;

function fit() {
  return Math.min((view.clientWidth - 2 * AROUND) / width, (view.clientHeight - ABOVE - AROUND) / height, 1.4);
}

function look(x, y, scale) {
  seen.scale = Math.min(Math.max(scale, Math.min(fit(), 1)), LARGEST);
  const [wide, high] = [view.clientWidth / seen.scale, view.clientHeight / seen.scale];
  map.classList.toggle("idle", wide >= width && high >= height);
  // Of what is larger than the view no more than the room around is left free; else it is in the middle.
  const inside = (middle, half, low, up) =>
    up - low <= 2 * half ? (low + up) / 2 : Math.min(Math.max(middle, low + half), up - half);
  const room = [AROUND, ABOVE, map.classList.contains("idle") ? AROUND : below()];
  const [side, over, under] = room.map(pixels => pixels / seen.scale);
  seen.x = inside(x, wide / 2, -side, width + side);
  seen.y = inside(y, high / 2, -over, height + under);
  const [left, top] = [seen.x - wide / 2, seen.y - high / 2];
  picture.removeAttribute("viewBox"); // each other one would have all texts laid out anew, which takes long
  scene.setAttribute("transform", `scale(${seen.scale}) translate(${-left} ${-top})`);
  for (const [name, value] of Object.entries({ x: left, y: top, width: wide, height: high })) frame.setAttribute(name, value);
}

function zoom(factor, x = seen.x, y = seen.y) {
  const scale = Math.min(Math.max(seen.scale * factor, Math.min(fit(), 1)), LARGEST);
  const kept = seen.scale / scale; // the point under the pointer stays there
  look(x + (seen.x - x) * kept, y + (seen.y - y) * kept, scale);
  seen.wanted = seen.scale;
}

function wholePicture() {
  look(width / 2, height / 2, fit());
  seen.wanted = seen.scale;
}

// Move only as far as is needed to see these boxes; and back to the scale that
// the reader wanted, or as near as shows them all.
function bringIntoView(which) {
  if (!which.length) return;
  const around = which.map(i => boxes[i].getBBox());
  const [left, top] = ["x", "y"].map(side => Math.min(...around.map(box => box[side])));
  const right = Math.max(...around.map(box => box.x + box.width));
  const bottom = Math.max(...around.map(box => box.y + box.height));
  const [wide, high] = [Math.max(view.clientWidth - 2 * AROUND, 1), Math.max(view.clientHeight - ABOVE - below(), 1)];
  const scale = Math.min(seen.wanted, Math.max(0.4, Math.min(wide / (right - left), high / (bottom - top))));
  const lower = (ABOVE - below()) / 2 / scale; // so much the middle of what is free lies below the view's
  const inside = (middle, low, up, half) =>
    up - low > 2 * half ? (low + up) / 2 : Math.min(Math.max(middle, up - half), low + half);
  const x = inside(seen.x, left, right, wide / scale / 2);
  const y = inside(seen.y + lower, top, bottom, high / scale / 2);
  look(x, y - lower, scale);
}

// The point of the picture under a pointer.
function pointAt(event) {
  const box = view.getBoundingClientRect();
  return {
    x: seen.x + (event.clientX - box.left - box.width / 2) / seen.scale,
    y: seen.y + (event.clientY - box.top - box.height / 2) / seen.scale,
  };
}

view.addEventListener("wheel", event => {
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
  look(((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height, seen.scale);
});
new ResizeObserver(() => look(seen.x, seen.y, seen.scale)).observe(view);
