/**
 * <tree-about history runs agents>: what there is to say about the line of a tree that somebody has chosen: its path
 * and whole value, to copy, and who wrote it last, when, in which version and run.
 *
 * @import { Blame, Maybe } from "../sync/types.d.ts"
 */

import { avatar } from "../lib/avatars.js";
import { h, icon } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { pretty, shown } from "../lib/json-tree.js";
import { nameOf } from "../lib/names.js";
import { notify } from "../lib/notices.js";
import { ago, moment } from "../lib/time.js";

/** Values longer than this stand in a box of their own. */
const SHORT = 60;

export class TreeAbout extends HTMLElement {
  /** What is to be copied: a string as it is, everything else as JSON. */
  #value = "";
  #path = "";
  #told = "";

  connectedCallback() {
    if (!this.firstChild) this.rest();
  }

  /** Nothing is chosen. */
  rest() {
    this.#told = "";
    this.classList.remove("is-told");
    this.replaceChildren(h("p", { class: "hint" }, gettext("Choose a value to see who wrote it, and when.")));
  }

  /** @param {string} path @param {Maybe} value @param {Blame | string | null} blame who wrote it, or why that is not told */
  tell(path, value, blame) {
    this.#path = path;
    this.#value = value === undefined ? "" : typeof value === "string" ? value : pretty(value);
    const told = [path, this.#value, JSON.stringify(blame)].join("\u0001");
    if (told === this.#told) return;
    this.#told = told;
    this.classList.add("is-told");
    const whole = value === undefined ? "" : typeof value === "object" ? "" : shown(value);
    const focused = this.contains(document.activeElement) ? document.activeElement?.getAttribute("data-do") : null;
    this.replaceChildren(
      h(
        "p",
        { class: "tree-about-path" },
        h("code", {}, path),
        button("path", gettext("Copy the path"), "link", () => this.copyPath()),
        value !== undefined && button("value", gettext("Copy the value"), "copy", () => this.copyValue()),
      ),
      ...(whole.length > SHORT ? [h("pre", { class: "tree-about-value", tabIndex: 0 }, typeof value === "string" ? value : whole)] : []),
      this.#wrote(blame),
    );
    const again = focused ? this.querySelector(`[data-do="${focused}"]`) : null;
    if (again instanceof HTMLElement) again.focus();
  }

  /** @param {Blame | string | null} blame */
  #wrote(blame) {
    if (!blame) return h("p", { class: "hint" }, gettext("History no longer tells who wrote this."));
    if (typeof blame === "string") return h("p", { class: "hint" }, blame);
    const [history, runs, agents] = ["history", "runs", "agents"].map((name) => this.getAttribute(name));
    const name = nameOf(blame.agent);
    const version = fill(gettext("version %(n)s"), { n: blame.version });
    return h(
      "p",
      { class: "tree-about-who" },
      avatar(name),
      blame.agent.startsWith("agent:") && agents ? h("a", { href: `${agents}${encodeURIComponent(name)}/` }, name) : h("b", {}, name),
      h("span", { class: "muted", title: moment(blame.at) }, ago(blame.at)),
      history ? h("a", { href: `${history}?version=${blame.version}` }, version) : h("span", {}, version),
      blame.run && runs && h("a", { href: `${runs}${encodeURIComponent(blame.run)}/` }, gettext("the run")),
    );
  }

  copyPath() {
    return copy(this.#path);
  }

  copyValue() {
    return copy(this.#value);
  }
}

/** @param {string} name @param {string} words @param {string} sign @param {() => void} act */
const button = (name, words, sign, act) =>
  h("button", { type: "button", class: "icon-button", title: words, "aria-label": words, "data-do": name, onclick: act }, icon(sign));

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https browsers have no clipboard for pages; an old way works still.
    const area = h("textarea", { class: "visually-hidden", value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) return notify(gettext("Your browser does not let pages copy."), "error");
  }
  notify(gettext("It is on the clipboard."), "success");
}

customElements.define("tree-about", TreeAbout);
