// Numbers and formulas as people read them.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const SVG = "http://www.w3.org/2000/svg";

// An element with what is in it; texts stay texts, whatever they hold.
function element(tag, attributes = {}, ...inside) {
  return filled(document.createElement(tag), attributes, inside);
}

function svg(tag, attributes = {}, ...inside) {
  return filled(document.createElementNS(SVG, tag), attributes, inside);
}

function filled(made, attributes, inside) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

// Four significant digits, as "1.25e-3"; a number half-way between two goes to the even one, as in Python.
function rounded(x) {
  const half = /^(\d\.\d\d[02468])50*(e.*)$/.exec(x.toExponential(60));
  return half ? half[1] + half[2] : x.toExponential(3);
}

// Sign, digits and, where there is one, the power of ten.
function partsOf(x) {
  const sign = x < 0 ? "−" : "";
  if (Number.isNaN(x)) return { sign, digits: "nan" };
  const size = Math.abs(x);
  if (size === Infinity) return { sign, digits: "∞" };
  const short = rounded(size);
  if (size === 0 || (size >= 1e-4 && size < 1e6)) {
    const whole = Number.isInteger(size) || Number(short) >= 1e4;
    return { sign, digits: whole ? even(size) : String(Number(short)) };
  }
  const [digits, power] = short.split("e");
  return { sign, digits: String(Number(digits)), power: String(Number(power)).replace("-", "−") };
}

// To a whole number, a half to the even one.
function even(x) {
  const down = Math.floor(x);
  return String(x - down === 0.5 ? down + (down % 2) : Math.round(x));
}

const RAISED = Object.fromEntries([..."−0123456789"].map((c, i) => [c, [..."⁻⁰¹²³⁴⁵⁶⁷⁸⁹"][i]]));

function number(x) {
  const { sign, digits, power } = partsOf(x);
  return power === undefined ? sign + digits : `${sign}${digits}·10${[...power].map(c => RAISED[c]).join("")}`;
}

function math(tag, ...inside) {
  const made = document.createElementNS(MATHML, tag);
  made.append(...inside.flat(Infinity).filter(one => one !== null));
  return made;
}

function operator(text) {
  return math("mo", text);
}

// A number; in brackets where it stands as a factor and would be misread.
function numeral(x, bracketed = false) {
  const { sign, digits, power } = partsOf(x);
  const bare = [math("mn", digits)];
  if (power !== undefined) {
    const prefix = power.startsWith("−") ? [prefixed("−"), math("mn", power.slice(1))] : [math("mn", power)];
    bare.push(operator("·"), math("msup", math("mn", "10"), math("mrow", prefix)));
  }
  const signed = sign ? [prefixed(sign), ...bare] : bare;
  return bracketed ? inBrackets(signed) : math("mrow", signed);
}

function prefixed(sign) {
  const made = operator(sign);
  made.setAttribute("form", "prefix");
  return made;
}

function inBrackets(...inside) {
  return math("mrow", operator("("), inside, operator(")"));
}

// A tree of MathML with the nodes' names; or, given all numbers, with those.
function formula(tree, values = null, place = { first: true, base: false }) {
  if (typeof tree === "number") {
    if (!values) return formula(nodes[tree].name);
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

// d above / d below, in names.
function derivative(above, below) {
  const part = i => math("mrow", math("mi", "∂"), formula(i));
  return math("mfrac", part(above), part(below));
}

// A product as a list of its factors, to be broken before a dot.
function times(factors) {
  return factors.map((one, i) => (i ? math("mrow", operator("·"), one) : one));
}

// A number as a factor of a product.
function factor(x) {
  return numeral(x, x < 0);
}

function named(i) {
  return inline(formula(i));
}

function inline(...inside) {
  const made = math("math", math("mrow", inside));
  made.setAttribute("displaystyle", "true");
  return made;
}
