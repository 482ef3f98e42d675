// A field with a listbox under it: for searching, and for completing a text at the caret.

import { attribute, fill, fresh, h } from "./dom.js";

const WAIT = 90; // milliseconds without a keystroke

/**
 * Make a combobox.
 *
 * `source(text, caret, signal)` returns options `{label, hint, ...}`; those with `inert` only tell
 * something. `pick(option, input)` is called for the chosen one; the list is then asked for again
 * where it returns true.
 */
export function combobox({
  label,
  placeholder = "",
  source,
  pick,
  code = false,
  value = "",
  input: typed,
}) {
  const id = fresh("list");
  const list = h("ul", { id, class: "list", role: "listbox", "aria-label": label, hidden: true });
  const input = h("input", {
    class: `input${code ? " code" : ""}`,
    type: "text",
    role: "combobox",
    placeholder,
    value,
    "aria-label": label,
    "aria-expanded": "false",
    "aria-controls": id,
    "aria-autocomplete": "list",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
  let options = [],
    at = -1,
    timer = 0,
    asked = null;
  let waiting = null; // what was pressed while the list is still that of an older text

  const close = () => {
    clearTimeout(timer);
    asked?.abort();
    list.hidden = true;
    waiting = null;
    at = -1;
    attribute(input, "aria-expanded", "false");
    attribute(input, "aria-activedescendant", null);
  };
  const mark = (n) => {
    at = n;
    [...list.children].forEach((li, i) => attribute(li, "aria-selected", String(i === n)));
    attribute(input, "aria-activedescendant", n < 0 ? null : list.children[n].id);
    if (n >= 0) list.children[n].scrollIntoView({ block: "nearest" });
  };
  const choose = (option) => {
    if (!option || option.inert) return;
    const more = pick(option, input);
    close();
    if (more) ask(0);
  };
  const show = (found) => {
    options = found;
    fill(
      list,
      found.map((option, n) =>
        h(
          "li",
          {
            id: `${id}-${n}`,
            role: "option",
            "aria-selected": "false",
            "aria-disabled": option.inert && "true",
            on: {
              pointerdown: (event) => event.preventDefault(), // the field keeps the focus
              click: () => choose(option),
            },
          },
          h("span", {}, option.label),
          option.hint && h("small", {}, option.hint),
        ),
      ),
    );
    list.hidden = !found.length;
    attribute(input, "aria-expanded", String(found.length > 0));
    mark(-1);
  };
  const ask = (wait = WAIT) => {
    clearTimeout(timer);
    asked?.abort();
    const mine = (asked = new AbortController());
    waiting = [];
    timer = setTimeout(async () => {
      try {
        const found = await source(input.value, input.selectionStart ?? 0, mine.signal);
        if (mine === asked && !mine.signal.aborted && document.activeElement === input)
          arrived(found);
      } catch (error) {
        if (error.name !== "AbortError") arrived([{ label: error.message, inert: true }]);
      }
    }, wait);
  };
  const arrived = (found) => {
    const pressed = waiting ?? [];
    waiting = null;
    show(found);
    for (const act of pressed) act();
  };
  const soon = (act) => (waiting ? waiting.push(act) : act());
  const step = (by) => {
    const able = options.map((o, n) => (o.inert ? -1 : n)).filter((n) => n >= 0);
    if (!able.length) return;
    const place = able.indexOf(at);
    mark(
      able[place < 0 ? (by > 0 ? 0 : able.length - 1) : (place + by + able.length) % able.length],
    );
  };
  const enter = () => {
    if (list.hidden) return;
    if (at >= 0) choose(options[at]);
    else if (code)
      close(); // what is typed counts as it is
    else if (input.value.trim()) choose(options.find((option) => !option.inert));
  };
  input.addEventListener("input", () => {
    typed?.(input);
    ask();
  });
  input.addEventListener("focus", () => ask(0));
  input.addEventListener("click", () => ask(0));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden && !waiting) ask(0);
      else soon(() => step(event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      soon(enter);
    } else if (event.key === "Tab" && code && at >= 0) choose(options[at]);
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    if (event.key !== "Tab") event.preventDefault();
  });
  return { el: h("div", { class: "combo" }, input, list), input };
}
