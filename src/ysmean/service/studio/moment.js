// The moment of the request, what may come again, how many items, and what is hidden here.

import { button, field, fill, h, icon } from "./dom.js";
import { describe, known } from "./facts.js";
import { get, set, subscribe } from "./state.js";
import { DAYS } from "./words.js";

/** Make the panel. */
export function momentPanel() {
  const number = (text) => (text === "" ? null : Number(text));
  const choice = (name, any, labels) =>
    h(
      "select",
      { on: { change: (e) => set({ [name]: number(e.target.value) }) } },
      h("option", { value: "" }, any),
      labels.map((label, n) => h("option", { value: n }, label)),
    );
  const hour = choice(
    "hour",
    "As of the time",
    Array.from({ length: 24 }, (_, n) => `${String(n).padStart(2, "0")}:00`),
  );
  const weekday = choice("weekday", "As of the time", DAYS);
  const at = h("input", {
    class: "input",
    type: "datetime-local",
    on: { change: () => set({ at: at.value }) },
  });
  const again = h("input", {
    type: "checkbox",
    on: { change: () => set({ seen: again.checked ? "allow" : "exclude" }) },
  });
  const k = h("input", {
    class: "input",
    type: "number",
    min: 1,
    max: 100,
    inputmode: "numeric",
    on: {
      input: () =>
        k.checkValidity() && k.value !== "" && set({ k: Number(k.value) }, { step: false }),
      change: () => set({ k: get().k }), // what is no number is as it was
    },
  });
  const told = h("span", { class: "note" });
  const gone = h("div", { class: "field" });
  const el = h(
    "details",
    { class: "panel", open: false },
    h("summary", {}, "Moment and number", told),
    h(
      "div",
      { class: "stack" },
      h("div", { class: "pair" }, field("Hour (UTC)", hour), field("Weekday", weekday)),
      h("div", { class: "pair" }, field("Time (UTC), else now", at), field("How many", k)),
      h("label", { class: "check" }, again, "What was watched may come again"),
      gone,
    ),
  );
  const show = () => {
    const s = get();
    hour.value = s.hour ?? "";
    weekday.value = s.weekday ?? "";
    at.value = s.at;
    again.checked = s.seen === "allow";
    if (document.activeElement !== k) k.value = s.k;
    told.textContent = el.open ? "" : summary(s);
  };
  el.addEventListener("toggle", show);
  subscribe(show);
  show();
  return { el, hidden: hiddenPanel() };
}

function summary(s) {
  const when = [
    s.weekday === null ? "" : DAYS[s.weekday],
    s.hour === null ? "" : `${s.hour}:00`,
    s.at.replace("T", " "),
  ];
  return [`k = ${s.k}`, ...when.filter(Boolean), s.seen === "allow" ? "again" : ""]
    .filter(Boolean)
    .join(", ");
}

/** What was hidden from this answer, and the way back. */
function hiddenPanel() {
  const list = h("div", { class: "chips" });
  const el = h(
    "section",
    { class: "panel", "aria-label": "Hidden here" },
    h("h3", {}, "Hidden here"),
    list,
  );
  const show = async () => {
    const { exclude } = get();
    el.hidden = !exclude.length;
    if (!exclude.length) return;
    await describe(exclude).catch(() => {});
    fill(
      list,
      get().exclude.map((id) => {
        const title = known(id)?.title ?? id;
        return h(
          "span",
          { class: "chip" },
          h("span", {}, title),
          button(
            icon("cross"),
            () => {
              set({ exclude: get().exclude.filter((other) => other !== id) });
            },
            { kind: "bare icon", "aria-label": `Show ${title} again` },
          ),
        );
      }),
    );
  };
  subscribe(show);
  show();
  return el;
}
