/** The entry of every page: defines the elements and follows the topics that the page names. */

import "./components/ask-first.js";
import "./components/command-palette.js";
import "./components/copy-text.js";
import "./components/fresh-part.js";
import "./components/keys-legend.js";
import "./components/language-switch.js";
import "./components/live-banner.js";
import "./components/live-dot.js";
import "./components/live-part.js";
import "./components/theme-toggle.js";
import "./components/time-ago.js";
import { live } from "./live.js";
import { csrfToken, freshen } from "./lib/csrf.js";
import { gettext } from "./lib/i18n.js";
import { notify } from "./lib/notices.js";

for (const topic of document.body.dataset.topics?.split(" ").filter(Boolean) ?? []) {
  live.follow(topic, {});
}

document.addEventListener("submit", (event) => freshen(event.target), true);
document.body.addEventListener("htmx:configRequest", (event) => {
  const { headers, parameters } = /** @type {CustomEvent<{ headers: Record<string, string>, parameters: Record<string, unknown> }>} */ (event).detail;
  headers["X-CSRFToken"] = csrfToken();
  if (parameters.csrfmiddlewaretoken) parameters.csrfmiddlewaretoken = csrfToken();
});

document.body.addEventListener("htmx:sendError", () => {
  notify(gettext("The server did not answer. Check the connection and try again."), "error");
});
document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status >= 500) {
    notify(gettext("Something went wrong on the server. It has been written to its log."), "error");
  }
});
