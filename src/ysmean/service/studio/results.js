// The list of recommended items, changed in place so that a drag is smooth and the focus stays.

import { button, fill, h } from "./dom.js";
import { titleOf } from "./facts.js";
import { result } from "./result.js";
import { listed, plural } from "./words.js";

const GLIDE = 200; // milliseconds
const NAMED = 3;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Make the list. `acts`: what can be done with items; `acts.loosen` mends a short answer. */
export function results(acts) {
  const rows = new Map();
  const list = h("ol", { class: "results", "aria-label": "Recommended" });
  const note = h("p", { class: "note changes" });
  const state = h("div", {});
  const el = h("div", {}, note, list, state);

  /** Show an answer; `before` are the ids to compare with, or null. */
  const show = (answer, before, reasons) => {
    fill(state, answer.shortfall && short(answer, acts));
    const was = new Map((before ?? []).map((id, n) => [id, n]));
    const tops = new Map([...rows].map(([id, row]) => [id, row.el.offsetTop]));
    const kept = new Set(answer.items.map((item) => item.item_id));
    const left = leaving(rows, kept);
    for (const [id, row] of rows)
      if (!kept.has(id)) {
        rows.delete(id);
        row.el.remove();
      }
    answer.items.forEach((item, n) => {
      const id = item.item_id;
      if (!rows.has(id)) rows.set(id, result(acts));
      const row = rows.get(id);
      row.show(item, n, before ? (was.get(id) ?? null) : undefined, reasons);
      if (list.children[n] !== row.el) put(list, row.el, list.children[n] ?? null);
    });
    if (left) list.children[left.place]?.querySelectorAll("button")[left.button]?.focus();
    if (!calm.matches) for (const [id, row] of rows) glide(row.el, tops.get(id));
    fill(note, before ? changes(answer, before) : "");
  };
  const clear = (...instead) => {
    rows.clear();
    fill(list);
    fill(note);
    fill(state, ...instead);
  };
  return { el, show, clear };
}

/** Where the focus is, if it is in a row that goes: whoever hides by keyboard goes on there. */
function leaving(rows, kept) {
  for (const [id, { el }] of rows) {
    if (kept.has(id) || !el.contains(document.activeElement)) continue;
    const button = [...el.querySelectorAll("button")].indexOf(document.activeElement);
    return { place: [...el.parentNode.children].indexOf(el), button };
  }
  return null;
}

/** Move an element without taking its focus, where the browser can. */
function put(list, el, next) {
  if (list.moveBefore && el.parentNode === list) list.moveBefore(el, next);
  else list.insertBefore(el, next);
}

function glide(el, top) {
  const by = top === undefined ? 0 : top - el.offsetTop;
  if (by)
    el.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], {
      duration: GLIDE,
      easing: "ease-out",
    });
  else if (top === undefined) el.animate([{ opacity: 0 }, { opacity: 1 }], { duration: GLIDE });
}

/** What moved, in words: how many up and down, who is new, who is gone. */
function changes(answer, before) {
  const now = answer.items.map((item) => item.item_id);
  const moves = now.map((id, n) => (before.includes(id) ? before.indexOf(id) - n : null));
  const up = moves.filter((m) => m > 0).length,
    down = moves.filter((m) => m !== null && m < 0).length;
  const fresh = moves.filter((m) => m === null).length;
  const gone = before.filter((id) => !now.includes(id));
  const told = [up && `${up} up`, down && `${down} down`, fresh && `${fresh} new`].filter(Boolean);
  if (!told.length && !gone.length) return "No item changed its place.";
  const names = gone.slice(0, NAMED).map((id) => titleOf({ item_id: id }));
  if (gone.length > NAMED) names.push(`${gone.length - NAMED} more`);
  return (
    [told.join(", "), gone.length && `gone: ${listed(names)}`].filter(Boolean).join("; ") + "."
  );
}

/** Say why there are fewer items than asked for, and offer a way out. */
function short(answer, acts) {
  const { asked, allowed, constraint, clause, gain, hint } = answer.shortfall;
  const how = {
    where: `Without ${clause}`,
    exclude: "Without what is hidden",
    seen: "If what was watched may come again",
    availability: "At another time",
    caps: "Without caps",
  }[constraint];
  const change = how
    ? `${how} there would be ${plural(gain, "more item", "more items")}.`
    : "Leaving out any one constraint would allow no more.";
  const mend = {
    where: "Take the rule away",
    exclude: "Show what is hidden",
    seen: "Let them come again",
    caps: "Take the caps away",
  }[constraint];
  const title = answer.items.length
    ? `These are all: ${allowed} of the ${asked} asked for`
    : allowed
      ? "No network in the mean has an answer"
      : "Nothing fulfils all of this";
  return h(
    "div",
    { class: "nothing" },
    h("h3", {}, title),
    hint && h("p", {}, `${hint[0].toUpperCase()}${hint.slice(1)}.`),
    h("p", { class: "soft" }, change),
    mend && button(mend, () => acts.loosen(constraint)),
  );
}
