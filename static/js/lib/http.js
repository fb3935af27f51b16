/** Requests to our own pages: the CSRF token goes with every write, refusals come back as Refused. */

import { csrfToken } from "./csrf.js";
import { gettext } from "./i18n.js";

/** The server refused: `message` for the person, `fields` maps a field's name to what is wrong with it. */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {Record<string, string[]>} [fields]
   * @param {number} [status]
   */
  constructor(message, fields = {}, status = 0) {
    super(message);
    this.fields = fields;
    this.status = status;
  }
}

/**
 * @param {string} url
 * @param {RequestInit} options
 */
async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", redirect: "manual", ...options });
  } catch {
    throw new Refused(gettext("The server did not answer. Check the connection and try again."));
  }
  if (response.type === "opaqueredirect" || response.status === 401) {
    throw new Refused(gettext("You are signed out. Reload the page to sign in again."), {}, 401);
  }
  return response;
}

/**
 * What was thrown, as a refusal: our own, or one that says what went wrong in this browser.
 *
 * @param {unknown} thrown
 */
export const asRefused = (thrown) => (thrown instanceof Refused ? thrown : new Refused(String(thrown)));

/**
 * Everything a refusal says, on one line: what is wrong with fields, else its message.
 *
 * @param {unknown} thrown
 */
export function refusalWords(thrown) {
  const { fields, message } = asRefused(thrown);
  return Object.values(fields).flat().join(" ") || message;
}

/** POST a JSON value; gives the answer's JSON. Raises Refused. @param {string} url */
export async function post(url, value = {}) {
  const response = await ask(url, {
    method: "POST",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/json",
      "X-CSRFToken": csrfToken(),
    },
    body: JSON.stringify(value),
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Refused(body.message ?? gettext("The server could not do this."), body.fields, response.status);
  }
  return body;
}

/** GET JSON; null when there is nothing new (204). Raises Refused. @param {string} url */
export async function get(url) {
  const response = await ask(url, { headers: { Accept: "application/json" } });
  if (response.status === 204) return null;
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Refused(body.message ?? gettext("The server could not do this."), body.fields, response.status);
  }
  return body;
}

/** GET a fragment of HTML that the server has made (and sanitised). Raises Refused. @param {string} url */
export async function fragment(url) {
  const response = await ask(url, { headers: { Accept: "text/html" } });
  if (!response.ok) throw new Refused(gettext("This part could not be loaded."), {}, response.status);
  return response.text();
}

/** GET a fragment unless it is still the one of that ETag: {html, seen}, or null. Raises Refused. @param {string} url */
export async function changed(url, seen = "") {
  const response = await ask(url, { headers: { Accept: "text/html", "If-None-Match": seen }, cache: "no-store" });
  if (response.status === 304) return null;
  if (!response.ok) throw new Refused(gettext("This part could not be loaded."), {}, response.status);
  return { html: await response.text(), seen: response.headers.get("ETag") ?? "" };
}
