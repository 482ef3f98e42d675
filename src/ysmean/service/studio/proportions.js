// The sliders: how much each network counts in the mean, and what it comes to for this request.

import { button, h } from "./dom.js";
import { facts } from "./facts.js";
import { slide } from "./slide.js";
import { get, set, subscribe } from "./state.js";

/** Make the panel; `weigh(answer)` shows the proportions of an answer. */
export function proportionsPanel() {
  let answer = null;
  const sliders = facts.names.map((name) => [
    name,
    slide(name, (factor, step) => {
      const { [name]: _, ...others } = get().scale;
      set({ scale: factor === 1 ? others : { ...others, [name]: factor } }, { step });
    }),
  ]);
  const base = (weights, label, title) =>
    button(label, () => set({ weights, scale: {} }), { title, "data-base": weights });
  const fitted = base(
    "fitted",
    "Fitted",
    "As fitted on held-out events, for histories of this length",
  );
  const plain = base("equal", "Plain", "Every network the same; the consensus is left out");
  const note = h("p", { class: "note" });
  const consensus = facts.names.some((name) => !facts.networks.includes(name));
  const spread =
    consensus && "The consensus multiplies what they say; bars show whose evidence it is.";
  const el = h(
    "section",
    { class: "panel", "aria-label": "Proportions" },
    h(
      "div",
      { class: "row apart" },
      h("h3", {}, "Proportions"),
      h("div", { class: "both", role: "group", "aria-label": "Begin from" }, plain, fitted),
    ),
    h(
      "ul",
      { class: "slides" },
      sliders.map(([, one]) => one.el),
    ),
    note,
    spread && h("p", { class: "note" }, spread),
  );
  const show = () => {
    const { weights, scale } = get();
    const untouched = !Object.keys(scale).length;
    fitted.setAttribute("aria-pressed", String(untouched && weights === "fitted"));
    plain.setAttribute("aria-pressed", String(untouched && weights === "equal"));
    for (const [name, one] of sliders) {
      const off = weights === "equal" && !facts.networks.includes(name);
      const quiet = answer?.items.length && answer.abstained.includes(name);
      one.show(scale[name] ?? 1, answer?.weights[name], { quiet, off });
    }
    const silent = answer && facts.names.filter((name) => answer.abstained.includes(name));
    note.textContent =
      silent?.length && answer.items.length
        ? `Silent networks have nothing to say about this viewer; their part goes to the others.`
        : "Proportions belong to the request: nothing is trained again.";
  };
  subscribe(show);
  show();
  return {
    el,
    weigh(next) {
      answer = next;
      show();
    },
  };
}
