// Take the state elsewhere: a link, curl, Python, JSON, or the answer as CSV.

import { key } from "./api.js";
import { button, fill, h } from "./dom.js";
import { curlOf, csvOf, pythonOf, requestOf } from "./request.js";
import { get } from "./state.js";
import { say } from "./toast.js";

/** Open the dialog; `answer()` returns the answer on the page, or null. */
export function share(answer) {
  const body = () => requestOf(get());
  const forms = {
    Link: () => location.href,
    curl: () => curlOf(body(), key.get() !== ""),
    Python: () => pythonOf(body(), key.get() !== ""),
    JSON: () => JSON.stringify(body(), null, 2),
  };
  const text = h("pre", {
    class: "code",
    tabindex: 0,
    role: "region",
    "aria-label": "Text to copy",
  });
  const tabs = Object.keys(forms).map((name) =>
    button(name, () => choose(name), { "aria-pressed": "false" }),
  );
  let chosen = "Link";
  const choose = (name) => {
    chosen = name;
    tabs.forEach((tab) => tab.setAttribute("aria-pressed", String(tab.textContent === name)));
    fill(text, forms[name]());
  };
  const copy = button(
    "Copy",
    async () => {
      await put(text);
      say(`Copied: ${chosen}.`);
    },
    { kind: "main" },
  );
  const csv = button(
    "Download the answer as CSV",
    () => {
      const told = answer();
      const link = h("a", {
        href: URL.createObjectURL(new Blob([csvOf(told)], { type: "text/csv" })),
        download: `${told.request_id}.csv`,
      });
      link.click();
      URL.revokeObjectURL(link.href);
    },
    { disabled: !answer()?.items.length },
  );
  const dialog = h(
    "dialog",
    { "aria-labelledby": "share" },
    h(
      "div",
      { class: "stack" },
      h("h2", { id: "share" }, "Share"),
      h("p", { class: "note" }, "The link holds everything that is asked here, and no key."),
      h("div", { class: "both", role: "group", "aria-label": "As" }, tabs),
      text,
      h(
        "div",
        { class: "row" },
        copy,
        csv,
        button("Close", () => dialog.close()),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  choose("Link");
  dialog.showModal();
}

/** Copy the text of an element; where the clipboard is closed to the page, select it instead. */
async function put(el) {
  try {
    await navigator.clipboard.writeText(el.textContent);
  } catch {
    getSelection().selectAllChildren(el);
    document.execCommand("copy");
  }
}
