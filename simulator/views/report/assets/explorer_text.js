// Numbers and elements of the page.
function makeText() {
  "use strict";

  // The same rules as number() in views/text/numbers.py.
  function text(value, digits) {
    if (value === 0) return "0";
    const size = Math.abs(value), sign = value < 0 ? "−" : "", rounded = Number(size.toPrecision(digits));
    if (rounded >= 1e-3 && rounded < 1e6)
      return sign + rounded.toLocaleString("en", { maximumSignificantDigits: Math.max(digits, Math.ceil(Math.log10(rounded + 1))) });
    const [mantissa, power] = rounded.toExponential().split("e");
    const raised = String(Number(power)).replace(/[-0-9]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
    return sign + (mantissa === "1" ? "" : mantissa + "\u00a0×\u00a0") + "10" + raised;
  }
  const shownValue = (curve, value, digits) => (Math.abs(value) < 1e-3 * curve.noise ? "0" : text(value, digits));
  const inUnit = (words, given) => words + (given ? (/^10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]/.test(given) ? "\u00a0×\u00a0" : " ") + given : "");
  const withUnit = (value, given, digits = 4) => inUnit(text(value, digits), given);
  function make(tag, properties, ...children) {
    const found = Object.assign(document.createElement(tag), properties);
    found.append(...children);
    return found;
  }

  return { text, shownValue, inUnit, withUnit, make };
}
