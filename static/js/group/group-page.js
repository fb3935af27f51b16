/**
 * The entry of a group's page: defines its elements, lets "write to" fill in whom a message is for, and keeps what
 * somebody has written or chosen from being replaced.
 */

import "../components/drop-files.js";
import "./chat-log.js";
import "./member-load.js";
import "./member-options.js";
import "./member-state.js";
import "./mention-box.js";
import "./section-tabs.js";
import "./star-map.js";
import "./upload-progress.js";
import { gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";

document.addEventListener("stars:write-to", (event) => {
  const to = /** @type {HTMLSelectElement | null} */ (document.getElementById("id_to"));
  const text = document.getElementById("id_text");
  if (!to || !text) return;
  to.value = /** @type {CustomEvent<string>} */ (event).detail;
  text.focus();
  text.scrollIntoView({ block: "center" });
});

/** The template that replaces what is written when it is chosen once more. */
let armed = "";

document.body.addEventListener("htmx:beforeRequest", (event) => {
  const button = /** @type {Element} */ (event.target).closest(".templates-pick");
  const task = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#run-box [name=task]"));
  const which = button?.getAttribute("hx-get") ?? "";
  if (!button || !task?.value.trim() || task.value === task.defaultValue || armed === which) return;
  event.preventDefault();
  armed = which;
  notify(gettext("This would replace the task that you have written. Choose it once more to go on."));
});

/** Those who were chosen among the agents that could join: they stay so whatever a search brings. @type {HTMLElement[]} */
let chosen = [];

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  // Whoever is changing a member is not disturbed by news; saving or leaving brings the list up to date.
  const poked = /** @type {any} */ (event.detail).requestConfig?.triggeringEvent?.type?.startsWith("stars:");
  if (poked && target.id === "members" && target.querySelector(".member-form")) event.detail.shouldSwap = false;
  if (target.id !== "candidates") return;
  chosen = [...target.querySelectorAll("li")].filter((each) => each.querySelector(":checked"));
});
document.body.addEventListener("htmx:afterSwap", () => {
  const list = document.getElementById("candidates");
  for (const item of list ? chosen : []) {
    const value = item.querySelector("input")?.value ?? "";
    const box = /** @type {HTMLInputElement | null} */ (list?.querySelector(`input[value="${CSS.escape(value)}"]`));
    if (box) box.checked = true;
    else list?.prepend(item);
  }
  chosen = [];
});
