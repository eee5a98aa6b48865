// What moves: values along the arrows, and the gradient against them, multiplied on its way.

import { at, edges, entering } from "./data.mjs";
import { svg, filled } from "./mathematics.mjs";
import { number, signOf } from "./numbers.mjs";
import { arrows, boxes, FIGURES, layout } from "./picture.mjs";

const still = matchMedia("(prefers-reduced-motion: reduce)");
export const moves = () => !still.matches && !document.hidden;
let running = null; // a frame that is asked for, and what is to be done at the end

// Run `draw` from 0 to 1 in so many milliseconds, then `done`.
function run(duration, draw, done) {
  stopMotion();
  const begun = performance.now();
  const tokens = at("tokens");
  const frame = now => {
    const part = Math.min((now - begun) / duration, 1);
    draw(part);
    if (part < 1) running.frame = requestAnimationFrame(frame);
    else stopMotion();
  };
  running = { done: () => { tokens.replaceChildren(); done(); } };
  draw(0);
  running.frame = requestAnimationFrame(frame);
}

// End at once what still moves, as if it had arrived.
export function stopMotion() {
  if (!running) return;
  cancelAnimationFrame(running.frame);
  const { done } = running;
  running = null;
  done();
}

// A point on the way along arrow k, from its tail's number at 0 to its head's at 1.
function way(k) {
  const line = arrows[k].firstElementChild;
  const long = line.getTotalLength();
  const middle = i => ({ x: layout.boxes[i][0], y: layout.boxes[i][1] + 8 });
  const ends = [middle(edges[k].tail), middle(edges[k].head)];
  const bend = [line.getPointAtLength(0), line.getPointAtLength(long)];
  const before = Math.hypot(bend[0].x - ends[0].x, bend[0].y - ends[0].y);
  const after = Math.hypot(bend[1].x - ends[1].x, bend[1].y - ends[1].y);
  const mix = (a, b, s) => ({ x: a.x + (b.x - a.x) * s, y: a.y + (b.y - a.y) * s });
  return part => {
    const far = part * (before + long + after);
    if (far < before) return mix(ends[0], bend[0], far / before);
    if (far < before + long) return line.getPointAtLength(far - before);
    return mix(bend[1], ends[1], (far - before - long) / (after || 1));
  };
}

const eased = x => (x < 0.5 ? 2 * x * x : 1 - 2 * (1 - x) ** 2);

// The gradient leaves the head, meets the local derivative, and arrives at the tail as their product.
export function travel({ k, arriving, slope, product }, duration, done) {
  const there = way(k);
  const plate = svg("rect", { rx: 9, height: 18, y: -9 });
  const text = svg("text", { y: 4 });
  const token = svg("g", { class: "token" }, plate, text);
  at("tokens").replaceChildren(token);
  const factor = slope < 0 ? `(${number(slope, FIGURES)})` : number(slope, FIGURES);
  run(duration, part => {
    const [said, of, place] = part < 0.15 ? [number(arriving, FIGURES), arriving, 1]
      : part < 0.4 ? [number(arriving, FIGURES), arriving, 1 - 0.5 * eased((part - 0.15) / 0.25)]
        : part < 0.62 ? [`${number(arriving, FIGURES)} · ${factor}`, arriving, 0.5]
          : part < 0.88 ? [number(product, FIGURES), product, 0.5 - 0.5 * eased((part - 0.62) / 0.26)]
            : [`+ ${product < 0 ? `(${number(product, FIGURES)})` : number(product, FIGURES)}`, product, 0];
    if (text.textContent !== said) {
      text.textContent = said;
      const wide = said.length * 7 + 14;
      filled(plate, { width: wide, x: -wide / 2 }, []);
      token.dataset.sign = signOf(of);
    }
    const { x, y } = there(place);
    token.setAttribute("transform", `translate(${x.toFixed(1)},${y.toFixed(1)})`);
  }, done);
}

// The values go along all arrows into one operation.
export function flow(node, duration, done) {
  const ways = entering[node].map(way);
  const dots = ways.map(() => svg("circle", { class: "dot", r: 5 }));
  at("tokens").replaceChildren(...dots);
  run(duration, part => ways.forEach((there, i) => {
    const { x, y } = there(eased(Math.min(part / 0.85, 1)));
    filled(dots[i], { cx: x.toFixed(1), cy: y.toFixed(1) }, []);
  }), done);
}

// A box that has just got its number.
export function flash(i) {
  if (!moves()) return;
  const shape = boxes[i].querySelector(".shape");
  if (shape.animate) shape.animate([{ strokeWidth: "6px" }, { strokeWidth: "2.5px" }], { duration: 350 });
}
