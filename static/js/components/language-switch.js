/**
 * <language-switch>: the form that changes the language. The page is loaded anew in it, just where it was: what was
 * written and not sent, open folds, the address as scripts have changed it, and the place in the page.
 *
 * @import { Unsent } from "../lib/unsent.js"
 * @typedef {{ path: string, fields: Unsent[], folds: boolean[], top: number, files: boolean }} Place
 */

import { field } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";
import { restore, unsent } from "../lib/unsent.js";

const KEY = "stars:language";
/** For so long parts may come that scripts draw. */
const PATIENCE = 8_000;

const fields = () => /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input, textarea, select"));
const folds = () => /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("main details"));

class LanguageSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", this);
    goBack();
  }

  disconnectedCallback() {
    this.removeEventListener("submit", this);
  }

  /** @param {Event} event */
  handleEvent(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const next = field(form, "next");
    // The answer to a form that was refused has no address of its own: it is written again where it was sent from.
    const address = this.hasAttribute("answer") ? new URL(document.referrer || next.value, location.href) : location;
    next.value = address.pathname + address.search + address.hash;
    /** @type {Place} */
    const place = {
      path: address.pathname,
      fields: unsent(this.hasAttribute("answer") ? asWritten() : fields()),
      folds: [...folds()].map(({ open }) => open),
      top: scrollY,
      files: [...fields()].some(({ files }) => files?.length),
    };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(place));
    } catch {
      // Storage may be forbidden; then what was written is lost with the page, as by any reload.
    }
  }
}

/** The fields of a refused form: all that they hold was written by a person, whatever the server has sent. */
const asWritten = () =>
  Array.from(fields(), (each) => ({
    id: each.id,
    name: each.name,
    type: each.type,
    value: each.value,
    checked: each.checked,
    form: each.form,
    defaultValue: "",
  }));

/** Where the page was when its language was changed, if that has just happened. */
function taken() {
  try {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    const place = text ? /** @type {Place} */ (JSON.parse(text)) : null;
    return place?.path === location.pathname ? place : null;
  } catch {
    return null;
  }
}

/** Put things back; fields that scripts have yet to draw are filled as they appear. */
function goBack() {
  const place = taken();
  if (!place) return;
  [...folds()].forEach((fold, index) => (fold.open = place.folds[index] ?? fold.open));
  let waiting = place.fields;
  const put = (/** @type {HTMLInputElement} */ each) => {
    for (const name of ["input", "change"]) each.dispatchEvent(new Event(name, { bubbles: true }));
  };
  const fill = () => {
    waiting = restore(fields(), waiting, put);
    if (!waiting.length) watcher.disconnect();
  };
  const watcher = new MutationObserver(fill);
  watcher.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => watcher.disconnect(), PATIENCE);
  fill();
  const scroll = () => scrollTo({ top: place.top, behavior: "instant" });
  if (document.readyState === "complete") scroll();
  else addEventListener("load", scroll, { once: true });
  if (place.files) notify(gettext("Files that were attached must be chosen once more."));
}

customElements.define("language-switch", LanguageSwitch);
