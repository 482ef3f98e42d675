// A history that is put together: titles searched, added, taken away, moved by keys and by hand.

import { call, query } from "./api.js";
import { combobox } from "./combobox.js";
import { button, fill, h, icon } from "./dom.js";
import { known } from "./facts.js";
import { say } from "./toast.js";
import { plural } from "./words.js";

/** Make the list; `change(ids, how)` is told of every new order. */
export function past(change) {
  let ids = [];
  const list = h("ol", { class: "past", "aria-label": "History, oldest first" });
  const search = combobox({
    label: "Add a title",
    placeholder: "Add a title to the history",
    async source(text, _, signal) {
      const { items } = await call(query("v1/items", { query: text.trim(), limit: 8 }), { signal });
      if (!items.length) return [{ label: `No title holds “${text.trim()}”`, inert: true }];
      return items.map((i) => ({
        label: i.title ?? i.item_id,
        hint: i.warm ? i.item_id : `${i.item_id} · new`,
        item: i,
      }));
    },
    pick(option, input) {
      input.value = "";
      change([...ids, option.item.item_id]);
    },
  });
  const hint = h("p", { class: "note" });
  const el = h("div", { class: "stack" }, search.el, list, hint);

  const move = (from, to) => {
    if (to < 0 || to >= ids.length || to === from) return;
    const next = [...ids];
    next.splice(to, 0, ...next.splice(from, 1));
    show(next); // at once, so that the focus finds the title where it is now
    change(next);
    list.children[to]?.querySelector(".grip").focus();
    say(`${name(next[to])}, place ${to + 1} of ${next.length}`, { quiet: true });
  };
  const remove = (n) => {
    const left = ids.filter((_, place) => place !== n);
    show(left);
    change(left);
    const next = list.children[Math.min(n, ids.length - 1)];
    (next?.querySelector(".grip") ?? search.input).focus();
  };
  const row = (id, n) => {
    const grip = button(icon("grip"), () => {}, {
      kind: "bare icon grip",
      "aria-label": `Move ${name(id)}, place ${n + 1} of ${ids.length}`,
      "aria-keyshortcuts": "ArrowUp ArrowDown Delete",
      title: "Drag, or use the arrow keys",
    });
    grip.addEventListener("keydown", (event) => {
      const to = { ArrowUp: n - 1, ArrowDown: n + 1, Home: 0, End: ids.length - 1 }[event.key];
      if (to !== undefined) move(n, to);
      else if (event.key === "Delete" || event.key === "Backspace") remove(n);
      else return;
      event.preventDefault();
    });
    const li = h(
      "li",
      {},
      grip,
      h("span", {}, name(id)),
      button(icon("cross"), () => remove(n), {
        kind: "bare icon",
        "aria-label": `Remove ${name(id)}`,
      }),
    );
    grip.addEventListener("pointerdown", (event) => drag(event, li, grip));
    return li;
  };
  const drag = (event, li, grip) => {
    if (event.button) return;
    const from = [...list.children].indexOf(li);
    li.classList.add("held");
    grip.setPointerCapture(event.pointerId);
    const over = (moved) => {
      const others = [...list.children].filter((other) => other !== li);
      const after = others.find((other) => {
        const box = other.getBoundingClientRect();
        return moved.clientY < box.top + box.height / 2;
      });
      if ((after ?? null) !== li.nextElementSibling) {
        list.insertBefore(li, after ?? null);
        grip.setPointerCapture(moved.pointerId); // moving an element lets go of the pointer
      }
    };
    const drop = () => {
      grip.removeEventListener("pointermove", over);
      grip.removeEventListener("pointerup", drop);
      grip.removeEventListener("pointercancel", drop);
      li.classList.remove("held");
      move(from, [...list.children].indexOf(li));
    };
    grip.addEventListener("pointermove", over);
    grip.addEventListener("pointerup", drop);
    grip.addEventListener("pointercancel", drop);
  };
  let shown = null;
  const show = (history) => {
    const now = JSON.stringify(history);
    if (now === shown) return; // or the focus would be lost
    shown = now;
    ids = history;
    list.hidden = !ids.length;
    fill(list, ids.map(row));
    hint.textContent = ids.length
      ? `${plural(ids.length, "title")}, oldest first. Drag by the handle, or focus it and use ` +
        "the arrow keys."
      : "Somebody new: nothing watched yet. Add titles, or state preferences.";
  };
  return { el, show };
}

function name(id) {
  const item = known(id);
  if (item?.unknown) return `${id} (not in the catalogue)`;
  return item?.title ?? id;
}
