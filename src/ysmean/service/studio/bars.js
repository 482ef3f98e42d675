// The stacked bar of an item's contributions, and what it opens into.

import { h } from "./dom.js";
import { colour, facts, named } from "./facts.js";
import { note, row, scroll, table } from "./parts.js";
import { percent } from "./words.js";

const LABELLED = 0.13; // least part that has room for its number

/** Return a set of shares in the order of the networks. */
export function ordered(shares) {
  return facts.names.filter((name) => name in shares).map((name) => [name, shares[name]]);
}

/** A set of shares in words, greatest first; what is below half a percent is left out. */
export function inWords(shares, most = 9) {
  const sorted = Object.entries(shares).sort((a, b) => b[1] - a[1]);
  return sorted
    .filter(([, p], n) => p >= 0.005 || !n)
    .slice(0, most)
    .map(([name, p]) => `${percent(p)} ${name}`)
    .join(", ");
}

/** Make a bar; `show(shares)` changes it in place, so that it can be dragged smoothly. */
export function bar() {
  const segments = new Map();
  const el = h("span", { class: "bar" });
  return {
    el,
    show(shares) {
      const parts = ordered(shares);
      for (const [name, p] of parts) {
        if (!segments.has(name)) {
          segments.set(name, h("span", { class: `seg ${colour(name)}` }));
          el.append(segments.get(name));
        }
        const segment = segments.get(name);
        segment.style.setProperty("flex-grow", p);
        segment.hidden = p <= 0; // or its gap would be seen
        segment.textContent = p >= LABELLED ? percent(p) : "";
        segment.title = `${name} ${percent(p, 1)}`;
      }
      for (const [name, segment] of segments)
        if (!(name in shares)) segment.hidden = true;
    },
  };
}

/** The table behind a bar: contributions, exact shares, and the consensus's bits by network. */
export function breakdown(item) {
  const { shares, contributions, evidence = {} } = item;
  const consensus = Object.keys(shares).some((name) => !(name in contributions));
  const line = (heading, contribution, share, bits, props) => {
    const cells = [contribution, percent(share, 1)];
    if (consensus) cells.push(bits === undefined ? "" : signed(bits));
    return row(heading, cells, props);
  };
  const rows = ordered(shares).map(([name, share]) => {
    const spread = h("span", { class: "soft" }, "spread");
    const part = name in contributions ? percent(contributions[name], 1) : spread;
    return line(named(name), part, share, evidence[name], { "data-share": share });
  });
  const sum = (values) => Object.values(values).reduce((a, b) => a + b, 0);
  const bits = Object.keys(evidence).length ? sum(evidence) : undefined;
  rows.push(line("together", percent(sum(contributions), 1), sum(shares), bits));
  const heads = [null, "contribution", "share", ...(consensus ? ["bits"] : [])];
  const made = table(heads, rows);
  const title = item.title ?? item.item_id;
  made.prepend(h("caption", { class: "unseen" }, `Where the score of ${title} comes from`));
  const told = note(
    "Shares are exact: each network's part of the score. The consensus multiplies what the others ",
    "say; a network's bits are how far it raises (+) or lowers (−) the item there. The bar ",
    "spreads the consensus's share by those bits.",
  );
  return h("div", {}, scroll("Shares by network", made), consensus && told);
}

/** A number with its sign, as of bits. */
export function signed(number, digits = 1) {
  return `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(digits)}`;
}
