/** An event of the log as it is, beside the rows. */

/** @import { RunEvent } from "../types.d.ts" */

import { h, icon, show } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { clockTime } from "./log-row.js";

/**
 * An event as it is: its JSON, to read and to copy.
 *
 * @param {RunEvent} event
 * @param {{close: () => void, goTo: () => void}} acts
 */
function logDetail(event, { close, goTo }) {
  const copy = document.createElement("copy-text");
  copy.append(
    h("button", { type: "button", class: "button button-small" }, icon("copy"), gettext("Copy JSON")),
    h("pre", { tabIndex: 0 }, h("code", {}, JSON.stringify(event, null, 2))),
  );
  return [
    h(
      "header",
      {},
      h("strong", {}, `#${event.seq} ${event.type}`),
      h("span", { class: "muted" }, clockTime(event.at)),
      h("button", { type: "button", class: "link push", onclick: goTo }, gettext("Show this moment")),
      h("button", { type: "button", class: "icon-button", "aria-label": gettext("Close"), title: gettext("Close"), onclick: close }, icon("close")),
    ),
    copy,
  ];
}

export class LogDetail {
  /** The number of the event that is open. @type {number | null} */
  opened = null;

  /** @param {HTMLElement} node @param {{goTo: (seq: number) => void, leave: () => void}} acts - `leave` takes the focus */
  constructor(node, { goTo, leave }) {
    this.node = node;
    this.goTo = goTo;
    this.leave = leave;
    node.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  /** @param {RunEvent} event */
  open(event) {
    this.opened = event.seq;
    this.node.replaceChildren(...logDetail(event, { close: () => this.close(), goTo: () => this.goTo(event.seq) }));
    show(this.node, true);
  }

  close() {
    if (this.node.contains(document.activeElement)) this.leave();
    this.opened = null;
    show(this.node, false);
  }
}
