// The rule that every item has to fulfil, typed with help; what is wrong with it, in the
// service's own words.

import { combobox } from "./combobox.js";
import { operators, quoted, situation } from "./complete.js";
import { attribute, fresh, h } from "./dom.js";
import { facts, typeOf, valuesLike } from "./facts.js";
import { get, set, subscribe } from "./state.js";
import { date, plural } from "./words.js";

const WAIT = 300; // milliseconds after the last keystroke

/** Make the panel; `fault(text)` shows or clears what is wrong. */
export function rulesPanel() {
  let timer = 0;
  const commit = (input) => {
    clearTimeout(timer);
    if (input.value !== get().where) set({ where: input.value });
  };
  const combo = combobox({
    label: "Rule (where)",
    code: true,
    value: get().where,
    placeholder: "Such as " + example(),
    input(input) {
      clearTimeout(timer);
      timer = setTimeout(() => commit(input), WAIT);
    },
    source: complete,
    pick(option, input) {
      const { value } = input;
      const rest = value.slice(option.to).replace(/^ /, "");
      input.value = value.slice(0, option.from) + option.text + rest;
      input.setSelectionRange(option.from + option.text.length, option.from + option.text.length);
      clearTimeout(timer);
      timer = setTimeout(() => commit(input), WAIT);
      return true;
    },
  });
  const { input } = combo;
  input.addEventListener("change", () => commit(input));
  input.addEventListener("keydown", (event) => event.key === "Enter" && commit(input));
  const wrong = h("pre", {
    class: "fault",
    id: fresh("fault"),
    role: "alert",
    tabindex: 0,
    hidden: true,
  });
  const told = h("span", { class: "note" });
  const el = h(
    "details",
    { class: "panel", open: get().where !== "" },
    h("summary", {}, "Rule", told),
    h(
      "div",
      { class: "stack" },
      h(
        "p",
        { class: "note" },
        "Every item has to fulfil it. Features, operators and values are suggested.",
      ),
      combo.el,
      wrong,
    ),
  );
  const show = () => {
    if (document.activeElement !== input) input.value = get().where;
    told.textContent = el.open ? "" : get().where;
  };
  const fault = (text) => {
    wrong.hidden = !text;
    wrong.textContent = text ?? "";
    attribute(input, "aria-invalid", text ? "true" : null);
    attribute(input, "aria-describedby", text ? wrong.id : null);
    if (text) el.open = true;
  };
  el.addEventListener("toggle", show);
  subscribe(show);
  show();
  return { el, fault };
}

async function complete(text, caret, signal) {
  const now = situation(text, caret);
  const option = (label, hint, written = `${label} `) => ({
    label,
    hint,
    text: written,
    from: now.from,
    to: now.to,
  });
  const typed = now.typed.toLowerCase();
  const begins = (label) => label.toLowerCase().includes(typed);
  if (now.expects === "feature") {
    const usable = facts.features.filter((f) => f.type !== "vector" && begins(f.name));
    return usable.map((f) => option(f.name, range(f) ?? f.type, `${quoted(f.name, "`")} `));
  }
  if (now.expects === "operator") {
    return operators(typeOf(now.feature))
      .filter(([sign]) => sign.startsWith(typed))
      .map(([sign, says]) => option(sign, says, sign.endsWith("(") ? sign : `${sign} `));
  }
  if (now.expects === "joiner") {
    const joiners = now.listing
      ? [
          [",", "another value", ", "],
          [")", "end of the list", ") "],
        ]
      : [
          ["and", "both"],
          ["or", "either"],
        ];
    return joiners
      .filter(([sign]) => sign.startsWith(typed))
      .map(([sign, says, written]) => option(sign, says, written));
  }
  const feature = facts.features.find((f) => f.name === now.feature);
  if (feature?.values) {
    const { values } = await valuesLike(now.typed, feature.name, signal);
    return values.map((v) =>
      option(v.value, plural(v.items, "item"), quoted(v.value) + (now.listing ? "" : " ")),
    );
  }
  return feature && range(feature)
    ? [{ label: range(feature), hint: "in the catalogue", inert: true }]
    : [];
}

function range(feature) {
  if (feature.min == null) return null;
  const ends = [feature.min, feature.max];
  const [least, most] = feature.type === "datetime" ? ends.map(date) : ends;
  return `${feature.type} ${least} to ${most}`;
}

function example() {
  const number = facts.features.find((f) => f.type === "number" && f.min != null);
  return number ? `${quoted(number.name, "`")} >= ${number.min}` : "genres = Comedy";
}
