// Numbers as people read them.

// So many significant digits, as "1.25e-3"; a number half-way between two goes to the even one, as in Python.
function rounded(x, digits) {
  const short = x.toExponential(digits - 1);
  if (!/5e/.test(x.toExponential(digits))) return short; // not half-way
  const [decimals, power] = x.toExponential(60).split("e");
  const [kept, rest] = [decimals.slice(0, digits + 1), decimals.slice(digits + 1)];
  return /^50*$/.test(rest) && /[02468]$/.test(kept) ? `${kept}e${power}` : short;
}

// Sign, digits and, where there is one, the power of ten.
export function partsOf(x, figures = 4) {
  const sign = x < 0 ? "−" : "";
  if (Number.isNaN(x)) return { sign, digits: "nan" };
  const size = Math.abs(x);
  if (size === Infinity) return { sign, digits: "∞" };
  const short = rounded(size, figures);
  if (size === 0 || (size >= 1e-4 && size < 1e6)) {
    const whole = Number.isInteger(size) || Number(short) >= 10 ** figures;
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

export function number(x, figures = 4) {
  const { sign, digits, power } = partsOf(x, figures);
  return power === undefined ? sign + digits : `${sign}${digits}·10${[...power].map(c => RAISED[c]).join("")}`;
}

// The name of a number's colour.
export function signOf(x) {
  return x > 0 ? "positive" : x < 0 ? "negative" : "zero";
}

// With its sign, as a change is written.
export function signed(x, figures = 4) {
  return x > 0 ? `+${number(x, figures)}` : number(x, figures);
}

// To either side twice the number, and at least 1; rounded up to 1, 2 or 5 times a power of ten.
export function sliderRange(x) {
  const middle = Number.isFinite(x) ? x : 0;
  const reach = Math.min(Math.max(1, 2 * Math.abs(middle)), 1e300);
  const power = 10 ** Math.floor(Math.log10(reach));
  const half = power * [1, 2, 5, 10].find(one => one * power >= reach * (1 - 1e-9));
  return { low: tidy(middle, half) - half, high: tidy(middle, half) + half };
}

// Without digits that a slider of that width cannot mean.
export function tidy(x, wide) {
  const step = 10 ** Math.floor(Math.log10(wide / 200));
  return Number((Math.round(x / step) * step).toPrecision(12));
}
