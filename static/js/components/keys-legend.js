/** <keys-legend>: the dialog on `?` that lists every shortcut of the page, and switches those of plain keys off. */

import { h, icon } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { keyCaps } from "../palette/caps.js";

const STORED = "stars:keys";

/** What elements do themselves with keys while they have the focus: which elements, the keys, and what they do. */
const OWN = /** @type {const} */ ([
  ["mention-box[submits], agent-talk, question-form form", ["mod+enter"], gettext("Send what you write")],
  ["json-area", ["mod+z"], gettext("Undo")],
  ["json-area", ["mod+shift+z", "mod+y"], gettext("Redo")],
  ["[role=tablist]", ["arrowleft", "arrowright"], gettext("In tabs: the one beside it")],
  ["body", ["escape"], gettext("Close what is open")],
]);

class KeysLegend extends HTMLElement {
  /** @type {HTMLDialogElement | undefined} */
  dialog;

  connectedCallback() {
    keys.plain = stored() !== "off";
    const section = gettext("Everywhere");
    this.forget = keys.add(
      { section, keys: "?", text: gettext("Keyboard shortcuts"), run: () => this.open() },
      ...OWN.map(([where, ways, text]) => ({ section, keys: [...ways], text, when: () => document.querySelector(where) !== null })),
    );
    document.addEventListener("click", this);
    document.addEventListener("stars:legend", this);
  }

  disconnectedCallback() {
    this.forget?.();
    document.removeEventListener("click", this);
    document.removeEventListener("stars:legend", this);
    this.dialog?.close();
  }

  /** @param {Event} event */
  handleEvent(event) {
    const button = event.target instanceof Element ? event.target.closest("[data-opens=legend]") : null;
    if (event.type === "stars:legend" || button) this.open();
  }

  open() {
    if (this.dialog?.open) return;
    this.dialog ??= this.appendChild(
      h("dialog", { class: "dialog legend", "aria-labelledby": "legend-title", onclick: (/** @type {MouseEvent} */ event) => {
        if (event.target === event.currentTarget) this.dialog?.close();
      } }),
    );
    this.#draw(this.dialog);
    this.dialog.showModal();
  }

  /** @param {HTMLDialogElement} dialog */
  #draw(dialog) {
    dialog.replaceChildren(
      h("div", { class: "legend-box" },
        h("header", { class: "panel-head" },
          h("h2", { id: "legend-title" }, gettext("Keyboard shortcuts")),
          h("button", { type: "button", class: "icon-button", "aria-label": gettext("Close"), onclick: () => dialog.close() }, icon("close")),
        ),
        h("div", { class: "legend-parts" },
          ...keys.legend().map(({ section, shortcuts }) =>
            h("section", { class: "legend-part" },
              h("h3", {}, section),
              h("dl", {},
                ...shortcuts.map(({ text, keys: ways }) =>
                  h("div", {},
                    h("dt", {}, text),
                    h("dd", {}, ...[ways].flat().flatMap((way, number) => (number ? [h("span", { class: "muted" }, gettext("or")), keyCaps(way)] : [keyCaps(way)]))),
                  )),
              ),
            )),
        ),
        h("label", { class: "check" },
          h("input", { type: "checkbox", checked: keys.plain, onchange: (/** @type {Event} */ event) => this.#plain(event) }),
          h("span", {}, gettext("Use shortcuts of single keys; those with Ctrl or ⌘ always work")),
        ),
      ),
    );
  }

  /** @param {Event} event */
  #plain(event) {
    keys.plain = event.target instanceof HTMLInputElement && event.target.checked;
    try {
      localStorage.setItem(STORED, keys.plain ? "on" : "off");
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
  }
}

/** What was chosen in this browser. */
function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

customElements.define("keys-legend", KeysLegend);
