/** Short notices in the corner of the page (`#notices`), read aloud by screen readers. */

import { h } from "./dom.js";
import { gettext } from "./i18n.js";

const STAYS = { info: 5_000, success: 5_000, error: 12_000 };

/**
 * Show a sentence. It goes by itself, or when it is dismissed.
 *
 * @param {string} sentence
 * @param {keyof typeof STAYS} [kind]
 */
export function notify(sentence, kind = "info") {
  const remove = () => notice.remove();
  const notice = h(
    "div",
    { class: `notice notice-${kind}`, role: kind === "error" && "alert" },
    h("p", {}, sentence),
    h("button", { type: "button", class: "notice-close", "aria-label": gettext("Dismiss"), onclick: remove }, "×"),
  );
  document.getElementById("notices")?.append(notice);
  setTimeout(remove, STAYS[kind]);
}
