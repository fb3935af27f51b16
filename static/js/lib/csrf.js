/**
 * The token by which the server knows that a write comes from our own page. Signing in gives the browser another, in
 * whichever tab that happens: a page that was open goes on with the one that holds now.
 */

/** The token among the browser's cookies, if there is one. @param {string} cookies as `document.cookie` says them */
export const tokenIn = (cookies) => /(?:^|;\s*)csrftoken=([^;]+)/.exec(cookies)?.[1] ?? "";

/** The token to send with a write. */
export const csrfToken = () => tokenIn(document.cookie) || (document.querySelector("meta[name=csrf-token]")?.getAttribute("content") ?? "");

/** Have a form send the token that holds now. @param {EventTarget | null} form */
export function freshen(form) {
  if (!(form instanceof HTMLFormElement)) return;
  const field = form.elements.namedItem("csrfmiddlewaretoken");
  if (field instanceof HTMLInputElement) field.value = csrfToken();
}
