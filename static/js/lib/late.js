/**
 * What a part of the page misses while it fetches itself: htmx keeps a second poke with the element that the first
 * answer replaces, and forgets it. So whoever is busy when a poke comes is fetched once more when it has come back.
 */

import { around } from "./dom.js";

/** Ids of parts whose answer was asked for before the latest poke. @type {Set<string>} */
const late = new Set();

/** To be called before the poke is heard. @param {string} name `stars:poke:runs`, `stars:resync` */
export function noteBusy(name) {
  for (const part of document.querySelectorAll('.htmx-request[id][hx-swap="outerHTML"]')) {
    if (part.getAttribute("hx-trigger")?.includes(name)) late.add(part.id);
  }
}

globalThis.document?.addEventListener("htmx:load", (event) => {
  const part = around(event, "[hx-get]");
  if (part && late.delete(part.id)) {
    window.htmx?.ajax("get", part.getAttribute("hx-get") ?? "", { source: part, target: part, swap: "outerHTML" });
  }
});
