// What the service measures of itself, read every two seconds from its own metrics.

import { call } from "./api.js";
import { inWords, bar } from "./bars.js";
import { lineChart } from "./charts.js";
import { fill, h } from "./dom.js";
import { colour, facts, named } from "./facts.js";
import { problem, skeleton } from "./notices.js";
import { buckets, by, parse, quantile, since, sum } from "./prometheus.js";
import { counted, duration, percent } from "./words.js";

const EVERY = 2000; // milliseconds
const KEPT = 60; // readings
const DURATION = "ysmean_request_duration_seconds";
const OURS = ["/v1/recommend", "/v1/recommend/batch", "/v1/items/{item_id}/similar"];

/** Show the view; returns how to leave it. */
export function live(main) {
  const page = h("div", { class: "page live" });
  fill(main, page);
  fill(page, skeleton());
  const readings = [];
  let timer = 0, left = false;
  const read = async () => {
    try {
      readings.push({ at: performance.now() / 1000, samples: parse(await call("metrics")) });
      if (readings.length > KEPT) readings.shift();
      if (!left) fill(page, ...view(readings));
    } catch (error) {
      if (!left) fill(page, problem(error, read));
      return;
    }
    if (!left) timer = setTimeout(read, EVERY);
  };
  read();
  return () => {
    left = true;
    clearTimeout(timer);
  };
}

const answering = (labels) => OURS.includes(labels.route);

function view(readings) {
  const { samples } = readings.at(-1);
  const asked = readings.map((r) => sum(r.samples, `${DURATION}_count`, answering));
  const rates = asked.slice(1).map((n, i) => (n - asked[i]) / (readings[i + 1].at - readings[i].at));
  const answers = sum(samples, "ysmean_answers_total");
  const cold = sum(samples, "ysmean_cold_requests_total"), clicks = sum(samples, "ysmean_clicks_total");
  const events = sum(samples, "ysmean_events_total", (l) => l.result === "new");
  const failed = sum(samples, `${DURATION}_count`, (l) => l.status?.startsWith("5"));
  const tile = (label, value, more) => h("div", {}, h("dt", {}, label), h("dd", {}, value, more && h("small", {}, more)));
  return [
    h("section", {}, h("h2", {}, "Live"), h("p", { class: "note" }, "From the service's own metrics, every two seconds; counted since it started unless it says otherwise."),
      h("dl", { class: "tiles num" },
        tile("requests a second", rates.length ? rates.at(-1).toFixed(1) : "–", "just now"),
        tile("answers", counted(answers), `${counted(failed)} failed requests`),
        tile("without a history", answers ? percent(cold / answers) : "–", `${counted(cold)} cold requests`),
        tile("live events", counted(events), `${counted(clicks)} on an answer`))),
    speed(readings, rates),
    shares(samples, answers, clicks),
    arms(samples),
    silence(samples, answers),
  ];
}

function speed(readings, rates) {
  const { samples } = readings.at(-1);
  const all = buckets(samples, DURATION, answering);
  const lately = since(all, buckets(readings[0].samples, DURATION, answering));
  const row = (label, counts) => h("tr", {}, h("th", { scope: "row" }, label), [0.5, 0.95, 0.99].map((q) => h("td", {}, duration(quantile(counts, q)))), h("td", {}, counted(counts.at(-1)?.[1] ?? 0)));
  const queued = sum(samples, "ysmean_queued_requests"), compiled = sum(samples, "ysmean_compilations_total", (l) => l.when === "serving");
  return h("section", { class: "halves" },
    h("div", {}, h("h3", {}, "Requests a second"), rates.length > 1
      ? lineChart({ lines: [{ values: rates, kind: "mean stroke" }], floor: 0, width: 480, height: 150, unit: (v) => v.toFixed(v < 10 ? 1 : 0), label: `Requests a second, ${rates.at(-1).toFixed(1)} just now` })
      : h("p", { class: "note" }, "Two more readings, and there is a line.")),
    h("div", {}, h("h3", {}, "Time to answer"), h("table", { class: "num" }, h("thead", {}, h("tr", {}, h("td"), ["median", "95th", "99th", "requests"].map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, row("while you look", lately), row("since the start", all))),
    h("p", { class: "note" }, `Estimated within the buckets of the histogram. ${counted(queued)} waiting; ${counted(compiled)} compilations under load.`)));
}

function shares(samples, answers, clicks) {
  const line = (label, counts, total) => {
    const parts = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / Math.max(total, 1e-9)]));
    const drawn = bar();
    drawn.show(parts);
    return h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, total ? [drawn.el, h("span", { class: "unseen" }, inWords(parts))] : h("span", { class: "soft" }, "none yet")));
  };
  const total = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
  const served = by(samples, "ysmean_share_served_total", "network"), clicked = by(samples, "ysmean_click_share_total", "network");
  return h("section", {}, h("h3", {}, "Where answers come from"),
    h("p", { class: "note" }, "Each network's mean share of the items served, and of those that events followed: where a network has more clicks than answers, it deserves more weight."),
    h("ul", { class: "legend" }, facts.names.map((name) => h("li", {}, named(name)))),
    h("table", { class: "cohorts wide" }, h("tbody", {}, line(`${counted(answers)} answers`, served, total(served)), line(`${counted(clicks)} clicks`, clicked, total(clicked)))));
}

/** Answers and clicks by the arm of an experiment, where the service tells arms apart. */
function arms(samples) {
  const names = ["ysmean_answers_total", "ysmean_clicks_total"];
  const found = [...new Set(samples.filter((s) => s.labels.arm !== undefined).map((s) => s.labels.arm))].sort();
  if (!found.length) return null;
  const counts = (arm) => names.map((name) => {
    const base = name.replace(/_total$/, "");
    return samples.filter((s) => s.labels.arm === arm && s.name.startsWith(base) && s.name.endsWith("_total")).reduce((n, s) => n + s.value, 0)
      || samples.filter((s) => s.labels.arm === arm && s.name.includes(base.slice(7)) && s.name.endsWith("_total")).reduce((n, s) => n + s.value, 0);
  });
  return h("section", {}, h("h3", {}, "Experiment"), h("table", { class: "num" },
    h("thead", {}, h("tr", {}, ["arm", "answers", "clicks", "clicks an answer"].map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, found.map((arm) => {
      const [served, clicked] = counts(arm);
      return h("tr", {}, h("th", { scope: "row" }, arm), h("td", {}, counted(served)), h("td", {}, counted(clicked)), h("td", {}, served ? percent(clicked / served, 1) : "–"));
    }))));
}

function silence(samples, answers) {
  const silent = by(samples, "ysmean_abstentions_total", "network");
  const rows = facts.names.map((name) => [name, silent[name] ?? 0]);
  return h("section", {}, h("h3", {}, "Abstentions"), h("p", { class: "note" }, "In how many answers a network had nothing to say, and its weight went to the others."),
    h("table", { class: "metered num" }, h("tbody", {}, rows.map(([name, n]) => h("tr", {}, h("th", { scope: "row" }, named(name)),
      h("td", {}, h("span", { class: `meter ${colour(name)}`, "aria-hidden": "true" }, h("i", { class: "seg", vars: { width: `${answers ? Math.min(100, (100 * n) / answers) : 0}%` } })),
        h("span", {}, answers ? percent(n / answers) : "–")))))));
}
