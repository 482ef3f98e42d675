// The model itself: what it is made of, how the networks are weighed, how training went.

import { call } from "./api.js";
import { diagram, lineChart, meter } from "./charts.js";
import { fill, h } from "./dom.js";
import { bar, signed } from "./bars.js";
import { colour, facts, named, sizes } from "./facts.js";
import { problem, skeleton } from "./notices.js";
import { versionsSection } from "./versions.js";
import { counted, date, duration, percent, plural } from "./words.js";

const LATELY = "10-49"; // the cohort that is drawn at first

/** Show the view; returns how to leave it. */
export function model(main, swapped) {
  const page = h("div", { class: "page" });
  fill(main, page);
  fill(page, skeleton());
  const show = async () => {
    try {
      const [{ networks, catalogue }, versions] = await Promise.all([sizes(), call("v1/model/versions")]);
      fill(page, summary(facts.data), drawn(networks), proportions(), table(networks, catalogue),
        heldOut(catalogue), curves(), versionsSection(versions, swapped), notes(facts.data));
    } catch (error) {
      fill(page, problem(error, show));
    }
  };
  show();
  return () => {};
}

function summary(data) {
  const tile = (label, value, more) => h("div", {}, h("dt", {}, label), h("dd", {}, value, more && h("small", {}, more)));
  return h("section", {}, h("h2", {}, "The model"), h("dl", { class: "tiles num" },
    tile("items", counted(data.catalogue), data.cold ? `${counted(data.cold)} that nobody took yet` : null),
    tile("users", counted(data.users), `${counted(data.events)} events`),
    tile("networks", counted(facts.networks.length), facts.names.length > facts.networks.length ? "and their consensus" : null),
    tile("trained", data.created ? date(data.created) : "–", `seed ${data.seed ?? "–"}, ${data.preset ?? "own settings"}`)),
  h("p", { class: "note id" }, data.model));
}

function drawn(networks) {
  const notes = new Map(networks.map((n) => [n.name, `${n.kind === n.name ? "" : `${n.kind}, `}${compact(n.numbers)} numbers`]));
  const place = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Picture of the model" });
  const cohorts = facts.data.proportions.filter((row) => row.segment === "warm");
  const choice = h("select", { "aria-label": "Length of the history", on: { change: () => show(choice.value) } },
    cohorts.map(({ cohort }) => h("option", { value: cohort, selected: cohort === LATELY }, `history of ${cohort}`)));
  const show = (cohort) => {
    const row = cohorts.find((r) => r.cohort === cohort) ?? cohorts[0];
    fill(place, diagram(facts.names.map((name) => ({
      name, kind: colour(name), weight: row[name], note: notes.get(name) ?? "the others, multiplied",
    }))));
  };
  show(LATELY);
  return h("section", {}, h("div", { class: "row apart" }, h("h3", {}, "How it is put together"), h("div", { class: "narrow" }, choice)),
    h("p", { class: "note" }, "Every network ends in a softmax over the same items; a line is as thick as its weight in the mean."), place);
}

const compact = (n) => new Intl.NumberFormat("en", { notation: "compact" }).format(n);

function proportions() {
  const figure = (segment, title) => {
    const rows = facts.data.proportions.filter((row) => row.segment === segment);
    return h("figure", {}, h("table", { class: "cohorts" }, h("caption", {}, title), h("tbody", {}, rows.map((row) => {
      const parts = bar();
      const shares = Object.fromEntries(facts.names.map((name) => [name, row[name]]));
      parts.show(shares);
      return h("tr", {}, h("th", { scope: "row", class: "num" }, row.cohort), h("td", {}, parts.el,
        h("span", { class: "unseen" }, facts.names.map((name) => `${name} ${percent(row[name])}`).join(", "))));
    }))));
  };
  return h("section", {}, h("h3", {}, "Proportions by length of history"),
    h("p", { class: "note" }, "Fitted on events that no network had seen. Items that nobody took yet have proportions of their own."),
    h("ul", { class: "legend" }, facts.names.map((name) => h("li", {}, named(name)))),
    h("div", { class: "halves" }, figure("warm", "Items with events"), figure("cold", "Items that nobody took yet")));
}

function table(networks, catalogue) {
  const training = facts.data.training ?? {};
  const rows = networks.map((n) => {
    const told = training[n.name] ?? {};
    return h("tr", {}, h("th", { scope: "row" }, named(n.name)), h("td", { class: "word" }, n.kind), h("td", {}, counted(n.numbers)),
      h("td", {}, percent(n.covers / catalogue)), h("td", {}, n.knows_cold ? "yes" : "no"),
      h("td", {}, told.steps ? counted(told.steps) : "closed form"), h("td", {}, duration(told.seconds)));
  });
  const heads = ["kind", "numbers", "items covered", "scores new items", "steps", "training"];
  return h("section", {}, h("h3", {}, "Networks"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Networks" },
    h("table", {}, h("thead", {}, h("tr", {}, h("td"), heads.map((head, n) => h("th", { scope: "col", class: n ? "" : "word" }, head)))), h("tbody", {}, rows))));
}

/** What each row knows beyond chance on held-out events: the metric that the bundle holds. */
function heldOut(catalogue) {
  const told = facts.data.held_out_nll;
  if (!told) return null;
  const chance = Math.log(catalogue);
  const rows = Object.entries(told).filter(([, nll]) => nll !== null).sort((a, b) => a[1] - b[1]);
  const best = Math.max(...rows.map(([, nll]) => chance - nll), 1e-9);
  return h("section", {}, h("h3", {}, "On held-out events"),
    h("p", { class: "note" }, `Nats by which each is better than chance (${chance.toFixed(2)}), on ${plural(facts.data.held_out ?? 0, "event")} kept from training; longer is better. `,
      "NDCG, intervals and calibration are in the report that `ysmean evaluate` writes."),
    h("table", { class: "metered num" }, h("thead", { class: "unseen" }, h("tr", {}, h("th", { scope: "col" }, "row"), h("th", { scope: "col" }, "better than chance"))),
      h("tbody", {}, rows.map(([name, nll]) => h("tr", { class: name === "mean" ? "strong" : "" }, h("th", { scope: "row" }, named(name)),
        h("td", {}, meter((chance - nll) / best, colour(name)), h("span", {}, signed(chance - nll, 2))))))));
}

function curves() {
  const made = Object.entries(facts.data.training ?? {}).filter(([, told]) => told.held_out_loss?.length);
  if (!made.length) return null;
  return h("section", {}, h("h3", {}, "Training"), h("p", { class: "note" }, "Loss after each pass: dashed on the training events, whole on held-out ones."),
    h("div", { class: "multiples" }, made.map(([name, told]) => h("figure", {}, h("figcaption", {}, named(name)),
      lineChart({
        label: `Loss of ${name}: held-out from ${told.held_out_loss[0].toFixed(2)} to ${told.held_out_loss.at(-1).toFixed(2)}`,
        unit: (v) => v.toFixed(1),
        lines: [
          { values: told.train_loss, kind: `${colour(name)} stroke dashed` },
          { values: told.held_out_loss, kind: `${colour(name)} stroke` },
        ],
      }), h("p", { class: "note" }, `${plural(told.steps, "step")}; ${told.stopped}`)))));
}

function notes(data) {
  const told = data.notes ?? [];
  return told.length > 0 && h("section", {}, h("h3", {}, "What the data is"), h("ul", { class: "notes note" }, told.map((note) => h("li", {}, note))));
}
