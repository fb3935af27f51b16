/** What can be done from wherever one is: the palette's commands, gathered from the page when it opens. */

import { fill, gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { THEMES, THEME_ICONS, THEME_WORDS, setTheme } from "../lib/theme.js";

/** @typedef {import("./options.js").Option} Option */

/**
 * Of the page: the buttons that steer a run, and the shortcuts of its parts.
 * @param {string} everywhere the section of shortcuts that are not the page's own
 * @returns {Option[]}
 */
export function here(everywhere) {
  const buttons = [...document.querySelectorAll("[data-action]")].filter(
    (each) => !each.closest("[hidden], dialog") && each.getAttribute("aria-disabled") !== "true" && each.textContent?.trim(),
  );
  const steering = buttons.map((each) => ({
    title: (each.textContent ?? "").trim(),
    text: gettext("this run"),
    icon: "play",
    run: () => {
      const button = /** @type {HTMLElement} */ (each);
      button.focus();
      button.click();
    },
  }));
  const shortcuts = keys
    .legend()
    .filter(({ section }) => section !== everywhere)
    .flatMap(({ section, shortcuts: found }) =>
      found.flatMap(({ text, keys: ways, run }) =>
        run ? [{ title: text, text: section, icon: "keyboard", keys: [ways].flat()[0] ?? "", run: () => run(new KeyboardEvent("keydown")) }] : [],
      ),
    );
  return [...steering, ...shortcuts];
}

/**
 * Of every page: where one can go (the links that the page has for it), colours, languages, signing out.
 * @param {HTMLElement} links
 * @returns {Option[]}
 */
export function commands(links) {
  const places = [...links.querySelectorAll("a")].map((link) => ({
    title: link.textContent?.trim() ?? "",
    icon: link.dataset.icon ?? "chevron",
    also: link.dataset.also ?? "",
    keys: link.dataset.keys ?? "",
    url: link.getAttribute("href") ?? "",
  }));
  const themes = THEMES.map((each) => ({
    title: fill(gettext("Colours: %(theme)s"), { theme: THEME_WORDS[each] }),
    icon: THEME_ICONS[each],
    also: gettext("theme"),
    run: () => setTheme(each),
  }));
  const languages = [...document.querySelectorAll("form.languages button:not([aria-current])")].map((button) => ({
    title: fill(gettext("Language: %(language)s"), { language: button.textContent ?? "" }),
    icon: "language",
    also: "language 语言",
    run: () => /** @type {HTMLButtonElement} */ (button).click(),
  }));
  const leaving = [...document.querySelectorAll("form[data-sign-out] button")].map((button) => ({
    title: gettext("Sign out"),
    icon: "exit",
    also: gettext("log out"),
    run: () => /** @type {HTMLButtonElement} */ (button).click(),
  }));
  return [...places, ...themes, ...languages, ...leaving];
}

/**
 * A command for each group that one may give a task.
 * @param {{ id: string, name: string, level: string }[]} groups
 * @returns {Option[]}
 */
export const starts = (groups) =>
  groups.filter(({ level }) => level !== "viewer").map(({ id, name }) => ({
    title: fill(gettext("Start a run in %(group)s"), { group: name }),
    also: id,
    icon: "play",
    url: `/groups/${encodeURIComponent(id)}/#run-box`,
    asked: true,
  }));
