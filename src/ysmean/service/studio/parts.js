// The pieces that the views are put together from.

import { h } from "./dom.js";
import { facts, named } from "./facts.js";

/** A few words in small type. */
export const note = (...said) => h("p", { class: "note" }, said);

/** A section with a heading. */
export const section = (title, ...inside) => h("section", {}, h("h3", {}, title), inside);

/** A box that scrolls sideways where it is too wide, by the keyboard as well. */
export function scroll(label, ...inside) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, inside);
}

/** A row of a table: its heading and its cells. */
export function row(heading, cells, props = {}) {
  const made = cells.map((cell) => (cell?.tagName === "TD" ? cell : h("td", {}, cell)));
  return h("tr", props, h("th", { scope: "row" }, heading), made);
}

/** A table; a head that is null stays empty, one that begins with "<" is over words. */
export function table(heads, rows, props = {}) {
  const head = (text) => {
    if (text === null) return h("td");
    const words = text.startsWith("<");
    return h("th", { scope: "col", class: words && "word" }, words ? text.slice(1) : text);
  };
  const top = heads && h("thead", {}, h("tr", {}, heads.map(head)));
  return h("table", props, top, h("tbody", {}, rows));
}

/** Figures with what they are: `[label, value, more]`. */
export function tiles(figures) {
  const tile = ([label, value, more]) =>
    h("div", {}, h("dt", {}, label), h("dd", {}, value, more && h("small", {}, more)));
  return h("dl", { class: "tiles num" }, figures.map(tile));
}

/** The networks with their colours. */
export function legend() {
  return h(
    "ul",
    { class: "legend" },
    facts.names.map((name) => h("li", {}, named(name))),
  );
}
