// Short words about what happened, read out too.

import { button, h } from "./dom.js";

/** Say something; with `act`, offer something to do about it. `quiet` is for ears alone. */
export function say(text, { quiet = false, act = null, seconds = act ? 12 : 6 } = {}) {
  const place = document.getElementById("toasts");
  const el = h("div", { class: quiet ? "unseen" : "toast" }, h("span", {}, text));
  const away = () => el.remove();
  if (act)
    el.append(
      button(
        act.label,
        () => {
          away();
          act.run();
        },
        { class: "act" },
      ),
    );
  for (const old of place.querySelectorAll(quiet ? ".unseen" : ".toast")) old.remove();
  place.append(el);
  let timer = setTimeout(away, 1000 * seconds);
  const stay = () => clearTimeout(timer);
  const leave = () => (timer = setTimeout(away, 1000 * seconds));
  el.addEventListener("pointerenter", stay);
  el.addEventListener("pointerleave", leave);
  el.addEventListener("focusin", stay);
  el.addEventListener("focusout", leave);
}
