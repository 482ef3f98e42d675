// What stands where an answer would: while it is awaited, and where it could not be had.

import { key } from "./api.js";
import { button, h } from "./dom.js";
import { askForKey } from "./keydialog.js";
import { say } from "./toast.js";

/** Grey rows in place of an answer that is awaited. */
export function skeleton(rows = 4) {
  return h(
    "div",
    { class: "bones", role: "status" },
    h("span", { class: "unseen" }, "Waiting for the answer"),
    Array.from({ length: rows }, () => h("i")),
  );
}

const TITLES = {
  0: "No connection",
  401: "A key is needed",
  403: "The key does not allow this",
  404: "There is no such thing",
  409: "Not now",
  413: "Too much",
  422: "The request is not understood",
  503: "Not ready",
};

/** What the service said of a problem, with its place where it marks one. */
export function problem(error, again) {
  return h(
    "div",
    { class: "problem", role: "alert" },
    h("h3", {}, TITLES[error.status] ?? "Something failed"),
    h("pre", {}, error.message),
    h(
      "div",
      { class: "row" },
      button("Try again", () => again()),
      [401, 403].includes(error.status) &&
        button("Other key", () => {
          key.set("");
          again();
        }),
    ),
  );
}

/** Say briefly what was refused; where the key does not allow it, another may do it `again`. */
export function refused(error, again) {
  const other = async () => {
    if (await askForKey(error)) again();
  };
  const act = error.status === 403 && { label: "Use another key", run: other };
  say(error.message, { seconds: 12, act });
}
