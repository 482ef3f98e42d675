// The versions of the bundle, and the swap between them, which needs a key for it.

import { call } from "./api.js";
import { button, h } from "./dom.js";
import { refused } from "./notices.js";
import { note, row, scroll, table } from "./parts.js";
import { say } from "./toast.js";

const DONE = {
  loaded: "The newest version answers now.",
  unchanged: "The newest version answers already.",
  "rolled-back": "The model before answers again.",
};

/** Make the section; `swapped()` is called when another model answers. */
export function versionsSection(told, swapped) {
  const swap = async (how, by) => {
    by.disabled = true;
    try {
      const done = await call(`v1/model/${how}`, { method: "POST" });
      say(DONE[done.result] ?? done.result);
      await swapped();
    } catch (error) {
      refused(error, () => swap(how, by));
    } finally {
      by.disabled = false;
    }
  };
  return h(
    "section",
    { class: "versions" },
    h("h3", {}, "Versions"),
    note(
      "A newer version is loaded beside, verified, and then answers; going back takes no time. ",
      "Where the service has keys, these need one for admin.",
    ),
    scroll("Versions", table(["version", "trained", "state"], rows(told), { class: "words" })),
    h(
      "div",
      { class: "row" },
      button("Load the newest version", (event) => swap("reload", event.currentTarget)),
      button("Go back to the model before", (event) => swap("rollback", event.currentTarget), {
        disabled: told.before === null,
      }),
    ),
  );
}

function rows({ versions, answers, before }) {
  // Versions may hold the same model; the newest of them stands for it.
  const first = (model) => versions.findIndex((version) => version.model === model);
  return versions.map(({ version, created, current }, n) => {
    const marks = [
      n === first(answers) && "answers now",
      before !== answers && n === first(before) && "before",
      current && "newest",
    ];
    const trained = created?.replace("T", " ").replace("+00:00", " UTC") ?? "–";
    return row(h("span", { class: "code" }, version), [trained, marks.filter(Boolean).join(", ")]);
  });
}
