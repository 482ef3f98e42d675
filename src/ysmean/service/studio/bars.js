// The stacked bar of an item's contributions, and what it opens into.

import { h } from "./dom.js";
import { colour, facts, named } from "./facts.js";
import { percent } from "./words.js";

const LABELLED = 0.13; // least part that has room for its number

/** Return a set of shares in the order of the networks. */
export function ordered(shares) {
  return facts.names.filter((name) => name in shares).map((name) => [name, shares[name]]);
}

/** A set of shares in words, greatest first; what is below half a percent is left out. */
export function inWords(shares, most = 9) {
  const sorted = Object.entries(shares).sort((a, b) => b[1] - a[1]);
  return sorted.filter(([, p], n) => p >= 0.005 || !n).slice(0, most).map(([name, p]) => `${percent(p)} ${name}`).join(", ");
}

/** Make a bar; `show(shares)` changes it in place, so that it can be dragged smoothly. */
export function bar() {
  const segments = new Map();
  const el = h("span", { class: "bar" });
  return { el, show(shares) {
    const parts = ordered(shares);
    for (const [name, p] of parts) {
      if (!segments.has(name)) {
        segments.set(name, h("span", { class: `seg ${colour(name)}` }));
        el.append(segments.get(name));
      }
      const segment = segments.get(name);
      segment.style.setProperty("flex-grow", p);
      segment.textContent = p >= LABELLED ? percent(p) : "";
      segment.title = `${name} ${percent(p, 1)}`;
    }
    for (const [name, segment] of segments) if (!(name in shares)) segment.style.setProperty("flex-grow", 0);
  } };
}

/** The table behind a bar: contributions, exact shares, and the consensus's bits by network. */
export function breakdown(item) {
  const { shares, contributions, evidence = {} } = item;
  const consensus = Object.keys(shares).filter((name) => !(name in contributions));
  const rows = ordered(shares).map(([name, share]) => h("tr", { "data-share": share },
    h("th", { scope: "row" }, named(name)),
    h("td", {}, name in contributions ? percent(contributions[name], 1) : h("span", { class: "soft" }, "spread")),
    h("td", {}, percent(share, 1)),
    consensus.length > 0 && h("td", {}, name in evidence ? signed(evidence[name]) : "")));
  const total = Object.values(shares).reduce((sum, p) => sum + p, 0);
  const bits = Object.values(evidence).reduce((sum, b) => sum + b, 0);
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Shares by network" }, h("table", {},
    h("caption", { class: "unseen" }, `Where the score of ${item.title ?? item.item_id} comes from`),
    h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "contribution"), h("th", { scope: "col" }, "share"),
      consensus.length > 0 && h("th", { scope: "col", title: "within the consensus" }, "bits"))),
    h("tbody", {}, rows),
    h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "together"), h("td", {}, percent(1, 1)), h("td", {}, percent(total, 1)),
      consensus.length > 0 && h("td", {}, Object.keys(evidence).length ? signed(bits) : "")))),
    consensus.length > 0 && h("p", { class: "note" },
      "Shares are exact: each network's part of the score. The consensus multiplies what the others say; ",
      "a network's bits are how far it raises (+) or lowers (−) the item there. The bar spreads the consensus's share by those bits."));
}

/** A number with its sign, as of bits. */
export function signed(number, digits = 1) {
  return `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(digits)}`;
}
