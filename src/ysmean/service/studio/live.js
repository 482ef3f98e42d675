// What the service measures of itself, read every two seconds from its own metrics.

import { call } from "./api.js";
import { fill, h } from "./dom.js";
import { arms, shares, silence, speed, summary } from "./measured.js";
import { problem, skeleton } from "./notices.js";
import { parse } from "./prometheus.js";

const EVERY = 2000; // milliseconds
const KEPT = 60; // readings

/** Show the view; returns how to leave it. */
export function live(main) {
  const page = h("div", { class: "page live" });
  fill(main, page);
  fill(page, skeleton());
  const readings = [];
  let timer = 0;
  let left = false;
  const read = async () => {
    try {
      readings.push({ at: performance.now() / 1000, samples: parse(await call("metrics")) });
    } catch (error) {
      if (!left) fill(page, problem(error, read));
      return;
    }
    if (left) return;
    if (readings.length > KEPT) readings.shift();
    const { samples } = readings.at(-1);
    fill(
      page,
      summary(readings),
      speed(readings),
      shares(samples),
      arms(samples),
      silence(samples),
    );
    timer = setTimeout(read, EVERY);
  };
  read();
  return () => {
    left = true;
    clearTimeout(timer);
  };
}
