// One recommended item: what it is, how probable, where that comes from, and what to do with it.

import { call, query } from "./api.js";
import { bar, breakdown, inWords } from "./bars.js";
import { attribute, button, fill, fresh, h } from "./dom.js";
import { describe, known, named, telling, titleOf, typeOf } from "./facts.js";
import { percent, probability, said } from "./words.js";

const SIMILAR = 5;
const CAUSES = 3; // of each network

/** Make the row of an item; `acts` are called with its latest answer. */
export function result(acts) {
  let item = null;
  const place = h("span", { class: "place num" });
  const moved = h("span", { class: "moved num" });
  const title = h("h3", { id: fresh("title") });
  const features = h("p", { class: "features" });
  const score = h("b", { class: "score num" });
  const parts = bar();
  const why = h("p", { class: "why" });
  const inside = h("div", { class: "inside stack", id: fresh("inside"), hidden: true });
  const alike = h("div", { class: "inside", id: fresh("alike"), hidden: true });
  const opener = h(
    "button",
    {
      type: "button",
      class: "opener",
      "aria-expanded": "false",
      "aria-controls": inside.id,
      on: { click: () => toggle(opener, inside, () => open()) },
    },
    parts.el,
  );
  const act = (label, click, props) =>
    button(label, click, { kind: "bare", "aria-describedby": title.id, ...props });
  const like = act("More like this", () => toggle(like, alike, () => similar(item, alike, acts)), {
    "aria-expanded": "false",
    "aria-controls": alike.id,
  });
  const el = h(
    "li",
    { class: "result", "aria-labelledby": title.id },
    h("div", { class: "rank" }, place, moved),
    h(
      "div",
      { class: "what" },
      title,
      features,
      why,
      h(
        "div",
        { class: "acts" },
        act("Watched it", () => acts.watched(item)),
        act("Hide", () => acts.hide(item)),
        like,
      ),
    ),
    h("div", { class: "how" }, score, opener),
    inside,
    alike,
  );
  const open = () => fill(inside, breakdown(item), causes(item), about(item));

  return {
    el,
    show(next, n, before, reasons) {
      item = next;
      el.dataset.item = item.item_id;
      place.textContent = n + 1;
      showMove(moved, n, before);
      title.textContent = titleOf(item);
      fill(features, brief(item));
      score.textContent = probability(item.score);
      score.title = `probability ${item.score}`;
      parts.show(item.contributions);
      const told = reasons ? item.why : `${inWords(item.contributions, 3)}.`;
      if (why.textContent !== told) why.textContent = told;
      const spoken = [titleOf(item), `probability ${score.textContent}`];
      attribute(
        opener,
        "aria-label",
        `Shares of ${spoken.join(", ")}: ${inWords(item.contributions)}`,
      );
      if (!inside.hidden) open();
    },
  };
}

function toggle(by, panel, open) {
  panel.hidden = !panel.hidden;
  attribute(by, "aria-expanded", String(!panel.hidden));
  if (!panel.hidden) open();
}

/** Show where an item was; `before` is undefined where there is nothing to compare with. */
function showMove(el, n, before) {
  const [kind, text, spoken] =
    before === undefined || before === n
      ? ["", "", ""]
      : before === null
        ? ["new", "new", "new here"]
        : before > n
          ? ["up", `▲${before - n}`, `up by ${before - n}`]
          : ["down", `▼${n - before}`, `down by ${n - before}`];
  el.className = `moved num ${kind}`;
  fill(
    el,
    text && h("span", { "aria-hidden": "true" }, text),
    spoken && h("span", { class: "unseen" }, spoken),
  );
}

/** What an item is, in a line: values of categories, and numbers with their names. */
function brief(item) {
  const is = known(item.item_id);
  if (!is) return "";
  const told = telling()
    .filter(({ name }) => name in is.features)
    .map(({ name, type }) => {
      const words = said(is.features[name], type);
      return type === "number" || type === "datetime" ? `${name} ${words}` : words;
    });
  const line = told.filter(Boolean).join(" · ");
  return [
    !is.warm &&
      h("span", { class: "fresh" }, line ? "nobody watched it yet · " : "nobody watched it yet"),
    line,
  ];
}

function about(item) {
  const is = known(item.item_id);
  const rows = Object.entries(is?.features ?? {}).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, said(value, typeOf(name), true))),
  );
  return h(
    "div",
    {},
    h("h4", {}, "What it is"),
    h("dl", { class: "about" }, h("div", {}, h("dt", {}, "id"), h("dd", {}, item.item_id)), rows),
  );
}

/** What counted within each network, as the service tells it. */
function causes(item) {
  const groups = Map.groupBy(item.reasons ?? [], (reason) => reason.network);
  if (!groups.size) return null;
  const told = (r) => `${r.title ?? r.cause.replace("=", ": ")} (${percent(r.part)})`;
  const rows = [...groups].map(([network, reasons]) =>
    h(
      "div",
      {},
      h("dt", {}, named(network)),
      h("dd", {}, reasons.slice(0, CAUSES).map(told).join(", ")),
    ),
  );
  return h(
    "div",
    {},
    h("h4", {}, "What counted within each network"),
    h("dl", { class: "about" }, rows),
  );
}

async function similar(item, panel, acts) {
  fill(panel, h("p", { class: "note" }, "Looking for what goes with it …"));
  try {
    const path = `v1/items/${encodeURIComponent(item.item_id)}/similar`;
    const { items } = await call(query(path, { k: SIMILAR }));
    await describe(items.map((i) => i.item_id));
    fill(
      panel,
      h(
        "p",
        { class: "note" },
        `Goes with ${titleOf(item)}, by the networks that answer from histories:`,
      ),
      h(
        "ol",
        { class: "alike" },
        items.map((other) => {
          const parts = bar();
          parts.show(other.contributions);
          return h("li", {}, h("span", {}, titleOf(other)), parts.el);
        }),
      ),
      button("Ask with this title as the whole history", () => acts.from(item), { kind: "bare" }),
    );
  } catch (error) {
    fill(panel, h("p", { class: "note" }, error.message));
  }
}
