// What a viewer likes and dislikes: values of features, each with a strength.

import { combobox } from "./combobox.js";
import { button, fill, h, icon } from "./dom.js";
import { categories, valuesLike } from "./facts.js";
import { get, set, subscribe } from "./state.js";
import { paint } from "./slide.js";
import { plural } from "./words.js";

/** Make the panel of preferences. */
export function wishesPanel() {
  const search = combobox({
    label: "Add a preference",
    placeholder: `Such as a value of ${categories()
      .map((f) => f.name)
      .slice(0, 3)
      .join(", ")}`,
    async source(text, _, signal) {
      const { values } = await valuesLike(text.trim(), undefined, signal);
      if (!values.length)
        return [{ label: `No item has a value with “${text.trim()}”`, inert: true }];
      return values.map((v) => ({
        label: v.value,
        hint: `${v.feature} · ${plural(v.items, "item")}`,
        ...v,
      }));
    },
    pick({ feature, value }, input) {
      input.value = "";
      const others = get().prefer.filter(([f, v]) => f !== feature || v !== value);
      set({ prefer: [...others, [feature, value, 1]] });
    },
  });
  const list = h("ul", { class: "stack" });
  const told = h("span", { class: "note" });
  const el = h(
    "details",
    { class: "panel", open: get().prefer.length > 0 },
    h("summary", {}, "Preferences", told),
    h("div", { class: "stack" }, search.el, list),
  );
  const rows = new Map();
  const row = (feature, value) => {
    const strength = h("output", { class: "num" });
    const slider = h("input", {
      type: "range",
      min: -1,
      max: 1,
      step: 0.25,
      "aria-label": `How much ${value} is liked`,
      on: {
        input: () => change(feature, value, Number(slider.value), false),
        change: () => change(feature, value, Number(slider.value), true),
      },
    });
    const remove = button(
      icon("cross"),
      () => {
        set({ prefer: get().prefer.filter(([f, v]) => f !== feature || v !== value) });
        search.input.focus();
      },
      { kind: "bare icon", "aria-label": `Forget ${value}` },
    );
    const li = h(
      "li",
      { class: "wish" },
      h("span", { class: "what" }, value, h("span", { class: "soft" }, ` ${feature}`)),
      slider,
      strength,
      remove,
    );
    return {
      li,
      show(amount) {
        slider.value = amount;
        slider.setAttribute("aria-valuetext", words(amount));
        paint(slider);
        strength.textContent = amount > 0 ? `+${amount}` : amount < 0 ? `−${-amount}` : "0";
      },
    };
  };
  const show = () => {
    const wanted = get().prefer;
    told.textContent =
      el.open || !wanted.length
        ? ""
        : wanted.map(([, v, s]) => (s < 0 ? `not ${v}` : v)).join(", ");
    const keys = wanted.map(([f, v]) => JSON.stringify([f, v]));
    for (const [n, [feature, value, strength]] of wanted.entries()) {
      if (!rows.has(keys[n])) rows.set(keys[n], row(feature, value));
      rows.get(keys[n]).show(strength);
    }
    for (const key of rows.keys()) if (!keys.includes(key)) rows.delete(key);
    const items = keys.map((key) => rows.get(key).li);
    if (items.length !== list.children.length || items.some((li, n) => list.children[n] !== li))
      fill(list, items);
  };
  el.addEventListener("toggle", show);
  subscribe(show);
  show();
  return el;
}

function change(feature, value, strength, step) {
  const prefer = get().prefer.map((p) =>
    p[0] === feature && p[1] === value ? [feature, value, strength] : p,
  );
  set({ prefer }, { step });
}

function words(strength) {
  const how = Math.abs(strength) > 0.5 ? "much" : "somewhat";
  return strength ? `${strength < 0 ? "disliked" : "liked"} ${how}` : "neither liked nor disliked";
}
