// Elements and formulas: HTML, SVG and MathML.

import { partsOf, signOf } from "./numbers.mjs";
import { graph } from "./data.mjs";

const MATHML = "http://www.w3.org/1998/Math/MathML";
const SVG = "http://www.w3.org/2000/svg";

// An element with what is in it; texts stay texts, whatever they hold.
export function element(tag, attributes = {}, ...inside) {
  return filled(document.createElement(tag), attributes, inside);
}

export function svg(tag, attributes = {}, ...inside) {
  return filled(document.createElementNS(SVG, tag), attributes, inside);
}

export function filled(made, attributes, inside) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

export function math(tag, ...inside) {
  const made = document.createElementNS(MATHML, tag);
  made.append(...inside.flat(Infinity).filter(one => one !== null));
  return made;
}

export function operator(text) {
  return math("mo", text);
}

// A number; in brackets where it stands as a factor and would be misread.
export function numeral(x, bracketed = false) {
  const { sign, digits, power } = partsOf(x);
  const bare = [math("mn", digits)];
  if (power !== undefined) {
    const prefix = power.startsWith("−") ? [prefixed("−"), math("mn", power.slice(1))] : [math("mn", power)];
    bare.push(operator("·"), math("msup", math("mn", "10"), math("mrow", prefix)));
  }
  const signed = sign ? [prefixed(sign), ...bare] : bare;
  return bracketed ? inBrackets(signed) : math("mrow", signed);
}

export function prefixed(sign) {
  const made = operator(sign);
  made.setAttribute("form", "prefix");
  return made;
}

export function inBrackets(...inside) {
  return math("mrow", operator("("), inside, operator(")"));
}

// A tree of MathML with the nodes' names; or, given all numbers, with those.
export function formula(tree, values = null, place = { first: true, base: false }) {
  if (typeof tree === "number") {
    if (!values) return formula(graph.nodes[tree].name);
    const several = partsOf(values[tree]).power !== undefined;
    return numeral(values[tree], values[tree] < 0 ? !place.first || place.base : several && place.base);
  }
  if (typeof tree === "string") return tree;
  const [tag, ...rest] = tree;
  const attributes = rest.length && typeof rest[0] === "object" && !Array.isArray(rest[0]) ? rest.shift() : {};
  // Between names a space says "times"; between numbers that takes a dot.
  if (values && tag === "mspace") return operator("·");
  const made = document.createElementNS(MATHML, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (tag === "mo" && "()".includes(rest[0])) made.setAttribute("stretchy", "false"); // all of one size
  rest.forEach((child, i) => {
    const before = rest[i - 1];
    const opened = i === 0 || (Array.isArray(before) && ["(", ",", "|", "["].includes(before[before.length - 1]));
    made.append(formula(child, values, {
      first: tag === "mrow" ? opened : true,
      base: i === 0 && (tag === "msup" || tag === "msubsup" || (tag === "mrow" && place.base && rest.length === 1)),
    }));
  });
  return made;
}

// A tree of MathML as pieces of one line of text: each with whether it is in italics, and how far it is raised.
export function runs(tree, up = 0) {
  if (typeof tree === "number") return runs(graph.nodes[tree].name, up);
  if (typeof tree === "string") return [{ text: tree, up }];
  const [tag, ...rest] = tree;
  const attributes = rest.length && typeof rest[0] === "object" && !Array.isArray(rest[0]) ? rest.shift() : {};
  const all = rest.flatMap(child => runs(child, up));
  if (tag === "mspace") return [{ text: " ", up }];
  if (tag === "mi") return all.map(one => ({ ...one, italic: one.text.length === 1 && /[a-z]/i.test(one.text) }));
  if (tag === "mo") return all.map(one => (/^[-+−=<>·]$/.test(one.text) && attributes.form !== "prefix" && !up ? { ...one, text: ` ${one.text} ` } : one));
  if (tag === "mfrac") return [...runs(rest[0], up), { text: " / ", up }, ...runs(rest[1], up)];
  if (tag === "msqrt") return [{ text: "√(", up }, ...all, { text: ")", up }];
  if (/^msu[bp]/.test(tag)) {
    const heights = { msub: [-3], msup: [5], msubsup: [-3, 5] }[tag];
    return [...runs(rest[0], up), ...heights.flatMap((by, i) => runs(rest[i + 1], up + by)), { text: "\u200a", up }];
  }
  return all;
}

// Such pieces as a line of SVG text.
export function lineOf(pieces) {
  let before = 0;
  return svg("text", {}, ...pieces.map(({ text, italic, up = 0, css }) => {
    const classes = [css, italic && "i", up && "s"].filter(Boolean).join(" ");
    const made = svg("tspan", { ...(classes ? { class: classes } : {}), ...(up !== before ? { dy: before - up } : {}) }, text);
    before = up;
    return made;
  }));
}

// d above / d below, in names.
export function derivative(above, below) {
  const part = i => math("mrow", math("mi", "∂"), formula(i));
  return math("mfrac", part(above), part(below));
}

// A product as a list of its factors, to be broken before a dot.
export function times(factors) {
  return factors.map((one, i) => (i ? math("mrow", operator("·"), one) : one));
}

// A number as a factor of a product.
export function factor(x) {
  return numeral(x, x < 0);
}

// In the colour of its sign.
export function coloured(x, ...inside) {
  const made = math("mrow", ...(inside.length ? inside : [numeral(x)]));
  made.setAttribute("class", signOf(x));
  return made;
}

export function named(i) {
  return inline(formula(i));
}

export function inline(...inside) {
  const made = math("math", math("mrow", inside));
  made.setAttribute("displaystyle", "true");
  return made;
}

export const paragraph = (...inside) => element("p", {}, ...inside);

// Put something into a panel.
export function put(name, ...inside) {
  document.querySelector(`#${name} .content`).replaceChildren(...inside);
}

// Equations below one another. A side is a formula, or a list of them, between
// which a line may break; `css` is "stacked" where the left side has a line of its own.
export function derivation(left, rights, css = "") {
  const made = element("div", { class: `derivation ${css}` }, element("span", { class: "left" }, ...inlines(left)));
  for (const right of rights) {
    made.append(element("span", { class: "equals" }, inline(operator("="))), element("span", { class: "right" }, ...inlines(right)));
  }
  return made;
}

// Equations one after the other, as far as there is room.
export function chain(left, ...rights) {
  return element("p", { class: "chain" }, inline(left), ...rights.map(right => filled(inline(operator("="), right), { class: right.getAttribute("class") || "" }, [])));
}

function inlines(side) {
  return [side].flat().map(one => inline(one));
}

// A sum as a list of its terms, to be broken before a plus.
export function terms(tree, values = null) {
  if (!Array.isArray(tree) || tree[0] !== "mrow") return [formula(tree, values)];
  const groups = [["mrow"]];
  for (const child of tree.slice(1)) {
    if (child[0] === "mo" && child[child.length - 1] === "+") groups.push(["mrow"]);
    groups[groups.length - 1].push(child);
  }
  return groups.map(group => formula(group, values));
}
