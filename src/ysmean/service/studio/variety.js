// How different the items shall be from each other, where the service can vary its answers.

import { button, h, icon, fill } from "./dom.js";
import { categories, facts } from "./facts.js";
import { paint } from "./slide.js";
import { get, set, subscribe } from "./state.js";

const FIRST = 2; // items with one value, when a cap is new
const wide = matchMedia("(min-width: 56rem)");

/** Make the panel; null where the service takes neither diversity nor caps. */
export function varietyPanel() {
  const parts = [
    facts.takes.has("diversity") && diversity(),
    facts.takes.has("caps") && categories().length > 0 && caps(),
  ].filter(Boolean);
  if (!parts.length) return null;
  const asked = get().diversity !== null || Object.keys(get().caps).length > 0;
  return h(
    "details",
    { class: "panel", open: asked || wide.matches },
    h("summary", {}, "Variety"),
    h("div", { class: "stack" }, parts),
  );
}

function diversity() {
  const output = h("output", { class: "value num" });
  const change = (step) => set({ diversity: Number(input.value) || null }, { step });
  const input = h("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.05,
    "aria-label": "Diversity",
    on: { input: () => change(false), change: () => change(true) },
  });
  const show = () => {
    const { diversity: asked } = get();
    input.value = asked ?? 0;
    paint(input);
    fill(output, h("b", {}, asked === null ? "off" : String(asked)));
    input.setAttribute("aria-valuetext", asked === null ? "off: the best items" : String(asked));
  };
  subscribe(show);
  show();
  const name = h("span", { class: "name" }, h("span", {}, "diversity"));
  return h("div", { class: "slide" }, name, input, output);
}

function caps() {
  const list = h("ul", { class: "stack" });
  const choice = h("select", { "aria-label": "Cap a feature", on: { change: () => add() } });
  const add = () => {
    if (choice.value) set({ caps: { ...get().caps, [choice.value]: FIRST } });
  };
  const cap = ([feature, most]) => {
    const input = h("input", {
      class: "input",
      type: "number",
      min: 1,
      max: 100,
      value: most,
      "aria-label": `Items with the same ${feature}`,
      on: {
        change: () => {
          if (input.checkValidity() && input.value) {
            set({ caps: { ...get().caps, [feature]: Number(input.value) } });
          } else input.value = get().caps[feature];
        },
      },
    });
    const remove = button(
      icon("cross"),
      () => {
        const { [feature]: _, ...others } = get().caps;
        set({ caps: others });
        choice.focus();
      },
      { kind: "bare icon", "aria-label": `No cap on ${feature}` },
    );
    return h(
      "li",
      { class: "cap" },
      "at most",
      input,
      h("span", {}, `with the same ${feature}`),
      remove,
    );
  };
  let shown = null;
  const show = () => {
    const now = JSON.stringify(get().caps);
    if (now === shown) return; // or the focus would be lost
    shown = now;
    const asked = get().caps;
    const others = categories().filter(({ name }) => !(name in asked));
    fill(list, Object.entries(asked).map(cap));
    list.hidden = !list.children.length;
    fill(
      choice,
      h("option", { value: "" }, "Cap a feature …"),
      others.map(({ name }) => h("option", { value: name }, name)),
    );
  };
  subscribe(show);
  show();
  return h("div", { class: "stack" }, list, choice);
}
