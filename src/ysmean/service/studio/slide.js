// One slider for a network's proportion: a multiplier whose middle is 1.

import { attribute, button, h } from "./dom.js";
import { colour, dot } from "./facts.js";
import { percent } from "./words.js";

const MOST = 16; // times
const STEPS = 100;

/** The multiplier at a place of the slider, 0 to 100: 0, 1 in the middle, 16 at the end. */
export const factorAt = (place) => Math.round(100 * MOST * (place / STEPS) ** 4) / 100;
const placeOf = (factor) => STEPS * (Math.min(factor, MOST) / MOST) ** 0.25;

/** Fill a slider's track up to its thumb. */
export function paint(slider) {
  const part = (slider.value - slider.min) / (slider.max - slider.min);
  slider.style.setProperty("--p", `${100 * part}%`);
}

/** Make a slider; `change(factor, step)` is told what it is moved to. */
export function slide(name, change) {
  const value = h("b", {}, "–");
  const factor = h("span", {});
  const input = h("input", {
    type: "range",
    min: 0,
    max: STEPS,
    step: 1,
    class: colour(name),
    "aria-label": `Proportion of ${name}`,
    on: {
      input: () => change(factorAt(Number(input.value)), false),
      change: () => change(factorAt(Number(input.value)), true),
    },
  });
  const twice = button("double", () => change(doubled ? 1 : 2, true), {
    kind: "bare",
    "aria-label": `Double ${name}`,
    "aria-pressed": "false",
  });
  const label = h("span", {}, name);
  const el = h(
    "li",
    { class: "slide", "data-network": name },
    h("span", { class: "name" }, dot(name), label),
    input,
    h("output", { class: "value num" }, factor, " ", value),
    twice,
  );
  let doubled = false;
  return {
    el,
    /** Show the multiplier asked for, and the proportion that came of it. */
    show(times, weight, { quiet, off }) {
      const shown = factorAt(Number(input.value));
      if (Math.abs(shown - times) > 1e-9) input.value = placeOf(times);
      paint(input);
      doubled = times === 2;
      attribute(twice, "aria-pressed", String(doubled));
      input.disabled = twice.disabled = Boolean(off);
      el.classList.toggle("quiet", Boolean(quiet || off));
      factor.textContent = times === 1 || off ? "" : `×${Number(times.toFixed(2))}`;
      value.textContent = off
        ? "left out"
        : quiet
          ? "silent"
          : weight === undefined
            ? "–"
            : percent(weight);
      const said = off
        ? "left out of the plain mean"
        : quiet
          ? "has nothing to say here"
          : `${percent(weight ?? 0)} of the answer`;
      attribute(input, "aria-valuetext", `${Number(times.toFixed(2))} times, ${said}`);
      label.title = `${name}: ${said}`;
    },
  };
}
