// The versions of the bundle, and the swap between them, which needs a key for it.

import { call } from "./api.js";
import { button, h } from "./dom.js";
import { say } from "./toast.js";

/** Make the section; `swapped()` is called when another model answers. */
export function versionsSection(told, swapped) {
  const swap = async (how, event) => {
    event.target.disabled = true;
    try {
      const done = await call(`v1/model/${how}`, { method: "POST" });
      say({ loaded: "The newest version answers now.", unchanged: "The newest version answers already.", "rolled-back": "The model before answers again." }[done.result] ?? done.result);
      await swapped();
    } catch (error) {
      say(error.message, { seconds: 12 });
    } finally {
      event.target.disabled = false;
    }
  };
  // Versions may hold the same model; the newest of them stands for it.
  const first = (model) => told.versions.findIndex((v) => v.model === model);
  const rows = told.versions.map((v, n) => {
    const marks = [n === first(told.answers) && "answers now", n === first(told.before) && told.before !== told.answers && "before", v.current && "newest"];
    return h("tr", {}, h("th", { scope: "row", class: "code" }, v.version), h("td", {}, v.created?.replace("T", " ").replace("+00:00", " UTC") ?? "–"),
      h("td", {}, marks.filter(Boolean).join(", ")));
  });
  return h("section", { class: "versions" }, h("h3", {}, "Versions"),
    h("p", { class: "note" }, "A newer version is loaded beside, verified, and then answers; going back takes no time. Where the service has keys, these need one for admin."),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Versions" }, h("table", { class: "words" },
      h("thead", {}, h("tr", {}, ["version", "trained", "state"].map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows))),
    h("div", { class: "row" }, button("Load the newest version", (e) => swap("reload", e)),
      button("Go back to the model before", (e) => swap("rollback", e), { disabled: told.before === null })));
}
