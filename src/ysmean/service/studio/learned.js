// What the model has learned: its proportions, its held-out figures, its curves.

import { bar, signed } from "./bars.js";
import { lineChart, meter } from "./charts.js";
import { h } from "./dom.js";
import { colour, facts, named } from "./facts.js";
import { legend, note, row, section, table } from "./parts.js";
import { percent, plural } from "./words.js";

/** The proportions by length of history, for known items and for new ones. */
export function proportions() {
  return section(
    "Proportions by length of history",
    note(
      "Fitted on events that no network had seen. Items that nobody took yet have proportions of ",
      "their own.",
    ),
    legend(),
    h(
      "div",
      { class: "halves" },
      figure("warm", "Items with events"),
      figure("cold", "Items that nobody took yet"),
    ),
  );
}

function figure(segment, title) {
  const rows = facts.data.proportions.filter((one) => one.segment === segment);
  const lines = rows.map((weights) => {
    const parts = bar();
    parts.show(Object.fromEntries(facts.names.map((name) => [name, weights[name]])));
    const said = facts.names.map((name) => `${name} ${percent(weights[name])}`).join(", ");
    return row(weights.cohort, [[parts.el, h("span", { class: "unseen" }, said)]]);
  });
  const made = table(null, lines, { class: "cohorts num" });
  made.prepend(h("caption", {}, title));
  return h("figure", {}, made);
}

/** What each row knows beyond chance on held-out events: the metric that the bundle holds. */
export function heldOut(catalogue) {
  const told = facts.data.held_out_nll;
  if (!told) return null;
  const chance = Math.log(catalogue);
  const known = Object.entries(told).filter(([, nll]) => nll !== null);
  const gains = known.map(([name, nll]) => [name, chance - nll]).sort((a, b) => b[1] - a[1]);
  const best = Math.max(gains[0]?.[1] ?? 0, 1e-9);
  const rows = gains.map(([name, gain]) =>
    row(named(name), [[meter(gain / best, colour(name)), h("span", {}, signed(gain, 2))]], {
      class: name === "mean" && "strong",
    }),
  );
  const events = plural(facts.data.held_out ?? 0, "event");
  return section(
    "On held-out events",
    note(
      `Nats by which each is better than chance (${chance.toFixed(2)}), on ${events} kept from `,
      "training; longer is better. NDCG, intervals and calibration are in the report that ",
      h("code", {}, "ysmean evaluate"),
      " writes.",
    ),
    table(null, rows, { class: "metered num" }),
  );
}

/** The curves of the networks that were trained in steps. */
export function curves() {
  const training = Object.entries(facts.data.training ?? {});
  const made = training.filter(([, told]) => told.held_out_loss?.length);
  if (!made.length) return null;
  return section(
    "Training",
    note("Loss after each pass: dashed on the training events, whole on held-out ones."),
    h(
      "div",
      { class: "multiples" },
      made.map(([name, told]) => curve(name, told)),
    ),
  );
}

function curve(name, { train_loss: train, held_out_loss: held, steps, stopped }) {
  const ends = `from ${held[0].toFixed(2)} to ${held.at(-1).toFixed(2)}`;
  const chart = lineChart({
    label: `Loss of ${name}: held-out ${ends}`,
    unit: (v) => v.toFixed(1),
    lines: [
      { values: train, kind: `${colour(name)} stroke dashed` },
      { values: held, kind: `${colour(name)} stroke` },
    ],
  });
  return h(
    "figure",
    {},
    h("figcaption", {}, named(name)),
    chart,
    note(`${plural(steps, "step")}; ${stopped}`),
  );
}
