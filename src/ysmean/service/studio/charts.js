// The few pictures of the studio, as SVG that takes its colours from the page.

import { h, s } from "./dom.js";

/**
 * Draw lines over the places of their values.
 *
 * `lines`: `[{values, kind, label}]`; kind is a class such as "n0 stroke" or "n0 stroke dashed".
 */
export function lineChart({
  lines,
  label,
  width = 300,
  height = 120,
  floor = null,
  unit = String,
}) {
  const left = 40,
    bottom = 18,
    top = 8;
  const all = lines.flatMap((line) => line.values).filter(Number.isFinite);
  const low = floor ?? Math.min(...all),
    most = Math.max(...all),
    high = most > low ? most : low + 1;
  const longest = Math.max(2, ...lines.map((line) => line.values.length));
  const x = (n) => left + ((width - left - 6) * n) / (longest - 1);
  const y = (v) => top + (height - top - bottom) * (1 - (v - low) / (high - low));
  const ends = [low, high].map((v) =>
    s("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, unit(v)),
  );
  const rule = (v) => s("line", { x1: left, x2: width, y1: y(v), y2: y(v), class: "rule" });
  const drawn = lines.map(({ values, kind }) =>
    values.length > 1
      ? s("polyline", {
          class: kind,
          points: values.map((v, n) => `${x(n).toFixed(1)},${y(v).toFixed(1)}`).join(" "),
        })
      : s("circle", { class: kind.replace("stroke", ""), cx: x(0), cy: y(values[0]), r: 3 }),
  );
  return s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "chart" },
    rule(low),
    rule(high),
    ends,
    drawn,
  );
}

/** A bar that is filled up to a part of 1. */
export function meter(part, kind) {
  return h(
    "span",
    { class: `meter ${kind}`, "aria-hidden": "true" },
    h("i", { class: "seg", vars: { width: `${100 * Math.max(0, Math.min(1, part))}%` } }),
  );
}

/**
 * Draw the model: viewer, networks, their softmaxes, and the mean, with lines as thick as weights.
 *
 * `members`: `[{name, kind, note, weight}]`; kind is the class of its colour.
 */
export function diagram(members) {
  const step = 46,
    height = Math.max(3, members.length) * step + 16,
    middle = height / 2;
  const box = (x, y, w, label, note, kind = "") =>
    s(
      "g",
      {},
      s("rect", { x, y: y - 17, width: w, height: 34, rx: 6, class: "box" }),
      kind && s("rect", { x, y: y - 17, width: 6, height: 34, rx: 3, class: kind }),
      s("text", { x: x + 16, y: note ? y - 1 : y + 4, class: "strong" }, label),
      note && s("text", { x: x + 16, y: y + 12 }, note),
    );
  const curve = (x1, y1, x2, y2, kind, width) =>
    s("path", {
      d: `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`,
      class: `${kind} stroke`,
      "stroke-width": width,
    });
  const rows = members.map((m, n) => ({
    ...m,
    y: 8 + step * (n + 0.5) + (members.length < 3 ? ((3 - members.length) * step) / 2 : 0),
  }));
  const words = rows.map((m) => `${m.name} ${(100 * m.weight).toFixed(0)}%`).join(", ");
  return s(
    "svg",
    {
      viewBox: `0 0 760 ${height}`,
      role: "img",
      class: "diagram",
      "aria-label": `Viewer, networks, softmax, mean; weights: ${words}`,
    },
    rows.map((m) => curve(128, middle, 190, m.y, "thin", 1)),
    rows.map((m) => curve(382, m.y, 440, m.y, "thin", 1)),
    rows.map(
      (m) => m.weight > 0 && curve(530, m.y, 640, middle, m.kind, Math.max(0.75, 26 * m.weight)),
    ),
    box(0, middle, 128, "viewer", "history, features"),
    rows.map((m) => box(190, m.y, 192, m.name, m.note, m.kind)),
    rows.map((m) =>
      s(
        "g",
        {},
        s("rect", { x: 440, y: m.y - 13, width: 90, height: 26, rx: 13, class: "box" }),
        s("text", { x: 485, y: m.y + 4, "text-anchor": "middle" }, "softmax"),
      ),
    ),
    box(640, middle, 112, "mean", "sums to 1"),
  );
}
