// Ask for an API key; it stays in this tab's session and goes nowhere but to this service.

import { key } from "./api.js";
import { button, field, h } from "./dom.js";

let open = null;

/** Ask once, however many calls wait for it; resolves to whether a key was given. */
export function askForKey(problem) {
  open ??= new Promise((resolve) => {
    const input = h("input", {
      class: "input",
      type: "password",
      autocomplete: "off",
      spellcheck: "false",
    });
    const done = (given) => {
      if (given) key.set(input.value.trim());
      dialog.close();
      dialog.remove();
      open = null;
      resolve(given && input.value.trim() !== "");
    };
    const dialog = h(
      "dialog",
      { "aria-labelledby": "key" },
      h(
        "form",
        {
          class: "stack",
          on: {
            submit(event) {
              event.preventDefault();
              done(true);
            },
          },
        },
        h("h2", { id: "key" }, "This service needs a key"),
        h("p", { class: "note" }, problem.message),
        field("API key", input),
        h(
          "p",
          { class: "note" },
          "Reading needs the scope read, live events write, and swapping the model admin. ",
          "The key is kept until this tab is closed.",
        ),
        h(
          "div",
          { class: "row" },
          h("button", { type: "submit", class: "button main" }, "Use this key"),
          button("Without one", () => done(false)),
        ),
      ),
    );
    dialog.addEventListener("cancel", () => done(false));
    document.body.append(dialog);
    dialog.showModal();
  });
  return open;
}
