// The figures of the live view, each made of the samples of the metrics.

import { bar, inWords } from "./bars.js";
import { lineChart, meter } from "./charts.js";
import { h } from "./dom.js";
import { colour, facts, named } from "./facts.js";
import { legend, note, row, section, table, tiles } from "./parts.js";
import { buckets, by, quantile, since, sum } from "./prometheus.js";
import { counted, duration, percent, plural } from "./words.js";

const DURATION = "ysmean_request_duration_seconds";
const OURS = ["/v1/recommend", "/v1/recommend/batch", "/v1/items/{item_id}/similar"];
const answering = (labels) => OURS.includes(labels.route);
const total = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);

/** Requests a second between any two readings. */
function rates(readings) {
  const asked = readings.map((r) => sum(r.samples, `${DURATION}_count`, answering));
  return asked.slice(1).map((n, i) => (n - asked[i]) / (readings[i + 1].at - readings[i].at));
}

/** The figures at the top. */
export function summary(readings) {
  const { samples } = readings.at(-1);
  const answers = sum(samples, "ysmean_answers_total");
  const cold = sum(samples, "ysmean_cold_requests_total");
  const clicks = sum(samples, "ysmean_clicks_total");
  const events = sum(samples, "ysmean_events_total", (l) => l.result === "new");
  const failed = sum(samples, `${DURATION}_count`, (l) => answering(l) && l.status.startsWith("5"));
  const now = rates(readings).at(-1);
  return h(
    "section",
    {},
    h("h2", {}, "Live"),
    note(
      "From the service's own metrics, every two seconds; counted since it started unless it ",
      "says otherwise.",
    ),
    tiles([
      ["requests a second", now === undefined ? "–" : now.toFixed(1), "just now"],
      ["answers", counted(answers), `${counted(failed)} failed requests`],
      ["without a history", answers ? percent(cold / answers) : "–", `${counted(cold)} requests`],
      ["live events", counted(events), `${counted(clicks)} on an answer`],
    ]),
  );
}

/** Requests a second as a line, and the time to answer as a table. */
export function speed(readings) {
  const { samples } = readings.at(-1);
  const all = buckets(samples, DURATION, answering);
  const lately = since(all, buckets(readings[0].samples, DURATION, answering));
  const line = (label, counts) =>
    row(label, [
      ...[0.5, 0.95, 0.99].map((q) => duration(quantile(counts, q))),
      counted(counts.at(-1)?.[1] ?? 0),
    ]);
  const values = rates(readings);
  const chart = () =>
    lineChart({
      lines: [{ values, kind: "mean stroke" }],
      floor: 0,
      width: 480,
      height: 150,
      unit: (v) => v.toFixed(v < 10 ? 1 : 0),
      label: `Requests a second, ${values.at(-1).toFixed(1)} just now`,
    });
  const queued = counted(sum(samples, "ysmean_queued_requests"));
  const compiled = sum(samples, "ysmean_compilations_total", (l) => l.when === "serving");
  const heads = [null, "median", "95th", "99th", "requests"];
  return h(
    "section",
    { class: "halves" },
    h(
      "div",
      {},
      h("h3", {}, "Requests a second"),
      values.length > 1 ? chart() : note("Two more readings, and there is a line."),
    ),
    h(
      "div",
      {},
      h("h3", {}, "Time to answer"),
      table(heads, [line("while you look", lately), line("since the start", all)]),
      note(
        `Estimated within the buckets of the histogram. ${queued} waiting; `,
        `${counted(compiled)} compilations under load.`,
      ),
    ),
  );
}

/** The networks' shares of what was served, and of what was clicked. */
export function shares(samples) {
  const line = (name, label, metric) => {
    const counts = by(samples, metric, "network");
    const whole = Math.max(total(counts), 1e-9);
    const parts = Object.fromEntries(Object.entries(counts).map(([n, c]) => [n, c / whole]));
    const drawn = bar();
    drawn.show(parts);
    const said = h("span", { class: "unseen" }, inWords(parts));
    const shown = total(counts) ? [drawn.el, said] : h("span", { class: "soft" }, "none yet");
    return row(plural(sum(samples, name), label), [[shown]]);
  };
  return section(
    "Where answers come from",
    note(
      "Each network's mean share of the items served, and of those that events followed: where a ",
      "network has more of the clicks than of the answers, it may deserve more weight.",
    ),
    legend(),
    table(
      null,
      [
        line("ysmean_answers_total", "answer", "ysmean_share_served_total"),
        line("ysmean_clicks_total", "click", "ysmean_click_share_total"),
      ],
      { class: "cohorts wide" },
    ),
  );
}

/** Answers and clicks by the arm of an experiment, where there is one. */
export function arms(samples) {
  const answers = by(samples, "ysmean_answers_total", "arm");
  const clicks = by(samples, "ysmean_clicks_total", "arm");
  const names = Object.keys(answers).sort();
  if (!names.some(Boolean)) return null;
  const rows = names.map((arm) => {
    const clicked = clicks[arm] ?? 0;
    const rate = answers[arm] ? percent(clicked / answers[arm], 1) : "–";
    return row(arm || "outside of it", [counted(answers[arm]), counted(clicked), rate]);
  });
  return section("Experiment", table(["<arm", "answers", "clicks", "clicks an answer"], rows));
}

/** How often each network abstained. */
export function silence(samples) {
  const answers = sum(samples, "ysmean_answers_total");
  const silent = by(samples, "ysmean_abstentions_total", "network");
  const rows = facts.names.map((name) => {
    const part = answers ? Math.min(1, (silent[name] ?? 0) / answers) : 0;
    const said = h("span", {}, answers ? percent(part) : "–");
    return row(named(name), [[meter(part, colour(name)), said]]);
  });
  return section(
    "Abstentions",
    note("In how many answers a network had nothing to say, and its weight went to the others."),
    table(null, rows, { class: "metered num" }),
  );
}
