// Light or dark: as the system says, until somebody chooses.

import { button, icon } from "./dom.js";

const CHOSEN = "ysmean-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Make the toggle, and set what was chosen before. */
export function themeButton() {
  const chosen = localStorage.getItem(CHOSEN);
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  const isDark = () =>
    (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const toggle = button(
    icon("sun"),
    () => {
      const next = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      localStorage.setItem(CHOSEN, next);
      tell();
    },
    { kind: "icon" },
  );
  const tell = () => {
    toggle.title = `Use ${isDark() ? "light" : "dark"} colours`;
    toggle.setAttribute("aria-label", toggle.title);
  };
  dark.addEventListener("change", tell);
  tell();
  return toggle;
}
