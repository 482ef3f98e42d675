// The model itself: what it is made of, and how it can be swapped.

import { call } from "./api.js";
import { diagram } from "./charts.js";
import { fill, h } from "./dom.js";
import { colour, facts, named, sizes } from "./facts.js";
import { curves, heldOut, proportions } from "./learned.js";
import { problem, skeleton } from "./notices.js";
import { note, row, scroll, section, table, tiles } from "./parts.js";
import { versionsSection } from "./versions.js";
import { counted, date, duration, percent } from "./words.js";

const LATELY = "10-49"; // the cohort that is drawn at first

/** Show the view; returns how to leave it. */
export function model(main, swapped) {
  const page = h("div", { class: "page" });
  fill(main, page);
  fill(page, skeleton());
  const show = async () => {
    try {
      const asked = [sizes(), call("v1/model/versions")];
      const [{ networks, catalogue }, versions] = await Promise.all(asked);
      fill(
        page,
        summary(),
        drawn(networks),
        proportions(),
        listed(networks, catalogue),
        heldOut(catalogue),
        curves(),
        versionsSection(versions, swapped),
        noted(),
      );
    } catch (error) {
      fill(page, problem(error, show));
    }
  };
  show();
  return () => {};
}

function summary() {
  const { data, names, networks } = facts;
  const cold = data.cold ? `${counted(data.cold)} that nobody took yet` : null;
  const more = names.length > networks.length ? "and their consensus" : null;
  const trained = data.created ? date(data.created) : "–";
  const how = `seed ${data.seed ?? "–"}, ${data.preset ?? "own settings"}`;
  return h(
    "section",
    {},
    h("h2", {}, "The model"),
    tiles([
      ["items", counted(data.catalogue), cold],
      ["users", counted(data.users), `${counted(data.events)} events`],
      ["networks", counted(networks.length), more],
      ["trained", trained, how],
    ]),
    h("p", { class: "note id" }, data.model),
  );
}

/** The picture of the model, its lines as thick as the weights of a cohort. */
function drawn(networks) {
  const compact = new Intl.NumberFormat("en", { notation: "compact" });
  const notes = new Map();
  for (const { name, kind, numbers } of networks) {
    notes.set(name, `${kind === name ? "" : `${kind}, `}${compact.format(numbers)} numbers`);
  }
  const cohorts = facts.data.proportions.filter((one) => one.segment === "warm");
  const place = scroll("Picture of the model");
  const show = (cohort) => {
    const weights = cohorts.find((one) => one.cohort === cohort) ?? cohorts[0];
    const members = facts.names.map((name) => ({
      name,
      kind: colour(name),
      weight: weights[name],
      note: notes.get(name) ?? "the others, multiplied",
    }));
    fill(place, diagram(members));
  };
  const choice = h(
    "select",
    { "aria-label": "Length of the history", on: { change: () => show(choice.value) } },
    cohorts.map(({ cohort }) =>
      h("option", { value: cohort, selected: cohort === LATELY }, `history of ${cohort}`),
    ),
  );
  show(LATELY);
  return h(
    "section",
    {},
    h(
      "div",
      { class: "row apart" },
      h("h3", {}, "How it is put together"),
      h("div", { class: "narrow" }, choice),
    ),
    note(
      "Every network ends in a softmax over the same items; a line is as thick as its weight in ",
      "the mean.",
    ),
    place,
  );
}

function listed(networks, catalogue) {
  const training = facts.data.training ?? {};
  const rows = networks.map(({ name, kind, numbers, covers, knows_cold: cold }) => {
    const { steps, seconds } = training[name] ?? {};
    return row(named(name), [
      h("td", { class: "word" }, kind),
      counted(numbers),
      percent(covers / catalogue),
      cold ? "yes" : "no",
      steps ? counted(steps) : "closed form",
      duration(seconds),
    ]);
  });
  const heads = ["<kind", "numbers", "items covered", "scores new items", "steps", "training"];
  return section("Networks", scroll("Networks", table([null, ...heads], rows)));
}

function noted() {
  const told = facts.data.notes ?? [];
  if (!told.length) return null;
  const lines = told.map((text) => h("li", {}, text));
  return section("What the data is", h("ul", { class: "notes note" }, lines));
}
