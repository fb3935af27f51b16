/** The entry of a group's page: defines its elements, and lets "write to" fill in whom a message is for. */

import "./chat-log.js";
import "./member-load.js";
import "./member-state.js";
import "./mention-box.js";
import "./section-tabs.js";
import "./star-map.js";
import "./upload-progress.js";

document.addEventListener("stars:write-to", (event) => {
  const to = /** @type {HTMLSelectElement | null} */ (document.getElementById("id_to"));
  const text = document.getElementById("id_text");
  if (!to || !text) return;
  to.value = /** @type {CustomEvent<string>} */ (event).detail;
  text.focus();
  text.scrollIntoView({ block: "center" });
});
