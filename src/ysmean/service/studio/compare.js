// What each network would say alone, beside the mean; the same item is linked across the columns.

import { call } from "./api.js";
import { fill, h } from "./dom.js";
import { colour, dot, facts, named, titleOf } from "./facts.js";
import { Latest } from "./latest.js";
import { problem, skeleton } from "./notices.js";
import { note, row, scroll, section, table } from "./parts.js";
import { requestOf } from "./request.js";
import { format, get, subscribe } from "./state.js";
import { listed, plural, probability } from "./words.js";

/** Show the view; returns how to leave it. */
export function compare(main) {
  const asked = h("p", { class: "note" });
  const place = h("div", {});
  const page = h(
    "div",
    { class: "page compare" },
    h(
      "section",
      {},
      h("div", { class: "head" }, h("h2", {}, "Each network alone, beside the mean"), asked),
      place,
    ),
  );
  fill(main, page);
  fill(place, skeleton());
  const names = ["mean", ...facts.names];
  const asker = new Latest(ask, {
    done(answers) {
      place.classList.remove("slow");
      fill(place, columns(names, answers), overlaps(names, answers));
    },
    failed(error) {
      place.classList.remove("slow");
      fill(place, problem(error, again));
    },
    busy: (slow) => place.classList.toggle("slow", slow),
  });
  const again = () => {
    fill(
      asked,
      summary(),
      " ",
      h("a", { href: `#${format({ ...get(), view: "recommend" })}` }, "Change what is asked"),
    );
    asker.ask(get(), { now: true });
  };
  subscribe(again);
  again();
  return () => asker.stop();
}

/** Ask for the mean and for every member of it alone, in one call. */
async function ask(state, signal) {
  const body = requestOf(state);
  const { scale: _, weights: __, ...plain } = body;
  const requests = [body, ...facts.names.map((name) => ({ ...plain, weights: { [name]: 1 } }))];
  return (await call("v1/recommend/batch", { body: { requests }, signal })).answers;
}

function summary() {
  const { user, history, where, scale, weights, prefer } = get();
  const who =
    history !== null
      ? history.length
        ? `a history of ${plural(history.length, "title")}`
        : "somebody new"
      : user;
  const scaled = Object.entries(scale).map(([name, factor]) => `${name} ×${factor}`);
  const told = [
    prefer.length &&
      `likes ${listed(prefer.map(([, value, s]) => (s < 0 ? `not ${value}` : value)))}`,
    where && `where ${where}`,
    weights === "equal" ? "plain mean" : "fitted mean",
    scaled.length && scaled.join(", "),
  ];
  return `For ${who}: ${told.filter(Boolean).join("; ")}.`;
}

function columns(names, answers) {
  const ids = answers.map((answer) => answer.items.map((item) => item.item_id));
  const told = h(
    "p",
    { class: "note linked", role: "status" },
    "Point at a title, or move with the arrow keys, to find it in every column.",
  );
  const made = names.map((name, n) =>
    column(
      name,
      answers[n],
      n && ids[n].filter((id) => ids[0].includes(id)).length,
      ids[0].length,
      n === 0,
    ),
  );
  const grid = h(
    "div",
    { class: "columns", role: "group", "aria-label": "Answers side by side" },
    made,
  );
  const cells = [...grid.querySelectorAll("[data-item]")];
  cells.forEach((cell, n) => (cell.tabIndex = n ? -1 : 0));
  const link = (id) => {
    grid.classList.toggle("linking", Boolean(id));
    for (const cell of cells) cell.classList.toggle("same", cell.dataset.item === id);
    if (!id) return;
    const title = cells.find((cell) => cell.dataset.item === id).dataset.title;
    const places = names
      .map((name, n) => (ids[n].includes(id) ? `${ids[n].indexOf(id) + 1} in ${name}` : null))
      .filter(Boolean);
    fill(
      told,
      h("b", {}, title),
      `: place ${places.join(", ")}`,
      places.length < names.length ? "; beyond the list elsewhere." : ".",
    );
  };
  const of = (event) => event.target.closest("[data-item]")?.dataset.item;
  grid.addEventListener("pointerover", (event) => event.pointerType === "mouse" && link(of(event)));
  grid.addEventListener("pointerleave", () => link(null));
  grid.addEventListener("focusin", (event) => link(of(event)));
  grid.addEventListener("focusout", () => link(null));
  grid.addEventListener("click", (event) => link(of(event)));
  grid.addEventListener("keydown", (event) => travel(event, made));
  return h("div", {}, told, grid);
}

function column(name, answer, shared, most, first) {
  const rows = answer.items.map((item, n) =>
    h(
      "li",
      {
        "data-item": item.item_id,
        "data-title": titleOf(item),
      },
      h("span", { class: "num soft" }, n + 1),
      h("span", { class: "title" }, titleOf(item)),
      h("span", { class: "num soft" }, probability(item.score)),
    ),
  );
  const head = first
    ? "what is recommended"
    : answer.items.length
      ? `${shared} of ${most} shared with the mean`
      : "";
  return h(
    "section",
    { class: `column ${colour(name)}`, "aria-label": name },
    h("h3", {}, dot(name), name),
    h("p", { class: "note" }, head),
    rows.length
      ? h("ol", {}, rows)
      : h(
          "p",
          { class: "silent" },
          answer.abstained.includes(name)
            ? "Nothing to say here."
            : "No item is allowed that it knows.",
        ),
  );
}

/** Move among the cells with the arrow keys; one of them is in the tab order. */
function travel(event, made) {
  const cell = event.target.closest("[data-item]");
  const by = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[
    event.key
  ];
  if (!cell || !by) return;
  const lists = made.map((one) => [...one.querySelectorAll("[data-item]")]);
  let c = lists.findIndex((list) => list.includes(cell));
  const r = lists[c].indexOf(cell) + by[1];
  do c += by[0];
  while (by[0] && lists[c] && !lists[c].length);
  const next = lists[c]?.[Math.min(r, lists[c].length - 1)];
  event.preventDefault();
  if (!next) return;
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

/** How many items any two lists share, as a table. */
function overlaps(names, answers) {
  const ids = answers.map((answer) => new Set(answer.items.map((item) => item.item_id)));
  const most = Math.max(...ids.map((set) => set.size));
  if (!most) return null;
  const cell = (a, b) => {
    const shared = [...ids[a]].filter((id) => ids[b].has(id)).length;
    const heat = { "--heat": a === b ? 0 : shared / most };
    return h("td", { class: "heat", vars: heat }, a === b ? "" : shared);
  };
  const rows = names.map((name, a) =>
    row(
      named(name),
      names.map((_, b) => cell(a, b)),
    ),
  );
  const made = section(
    "Overlap",
    note(
      `How many of their first ${plural(most, "item")} two of them share. Networks that differ `,
      "fill each other's gaps.",
    ),
    scroll("Overlap", table([null, ...names], rows)),
  );
  made.classList.add("overlap");
  return made;
}
