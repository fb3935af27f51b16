/**
 * <run-causes>: what most likely went wrong, what to do about it and where; shown while something has.
 *
 * @import { About, View } from "../types.d.ts"
 */

import { h, ref, show } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { likelyCauses } from "./causes.js";
import { titleOf } from "./words.js";

/** What a link to the place where it is set right is called. */
const PLACES = {
  agent: gettext("Open %(who)s"),
  settings: gettext("Open the group's settings"),
  group: gettext("Open the group"),
  tools: gettext("Open the tool servers"),
};

/** How many subtasks of one cause are named. */
const NAMED = 3;

class RunCauses extends HTMLElement {
  /** @type {About} */
  about;
  told = "";

  /** @param {View} view */
  draw(view) {
    const found = likelyCauses(view);
    const key = JSON.stringify(found.map(({ cause, agentId, said, subtasks }) => [cause.id, agentId, said, subtasks.map(({ id }) => id)]));
    if (key === this.told) return;
    this.told = key;
    if (!show(this, found.length > 0)) return;
    ref(this, "causes").replaceChildren(...found.map((one) => this.#row(one)));
  }

  /** @param {ReturnType<typeof likelyCauses>[number]} one */
  #row({ cause, agentId, subtasks, said }) {
    /** @type {HTMLElement[]} */
    const places = subtasks.slice(0, NAMED).map((each) => h("a", { href: `#subtask-${each.id}` }, titleOf(each)));
    const rest = subtasks.length - places.length;
    if (rest > 0) places.push(h("span", {}, fill(gettext("and %(n)s more"), { n: rest })));
    return h(
      "li",
      { class: "cause", "data-cause": cause.id },
      h("p", { class: "cause-words" }, h("strong", {}, cause.words()), agentId ? h("span", { class: "muted" }, agentId) : null, places.length ? h("span", { class: "cause-where" }, places) : null),
      h("p", { class: "cause-advice" }, cause.advice(), " ", this.#link(cause.place, agentId)),
      h("details", { class: "cause-said" }, h("summary", {}, gettext("What the log says")), h("p", {}, said)),
    );
  }

  /** @param {import("./causes.js").Place} place @param {string} agentId */
  #link(place, agentId) {
    if (!place || (place === "agent" && !agentId)) return null;
    const href = this.about.urls[place]?.replace("AGENT", encodeURIComponent(agentId));
    return href ? h("a", { href }, fill(PLACES[place], { who: agentId })) : null;
  }
}

customElements.define("run-causes", RunCauses);
