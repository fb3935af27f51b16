/** Texts of the scripts, through Django's JavaScript catalog where the page loads one; English otherwise. */

/** The text in the page's language. @param {string} text */
export const gettext = (text) => globalThis.django?.gettext?.(text) ?? text;

/**
 * The text in the page's language and number.
 *
 * @param {string} one
 * @param {string} many
 * @param {number} count
 */
export const ngettext = (one, many, count) =>
  globalThis.django?.ngettext?.(one, many, count) ?? (count === 1 ? one : many);

/**
 * Put named values into a text: fill("%(n)s rows", {n: 3}).
 *
 * @param {string} text
 * @param {Record<string, unknown>} values
 */
export const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));

/**
 * Fetch the texts of a module that is loaded later than the page, where it needs any; to be awaited before it is.
 *
 * @param {string} module its path in `static/js`
 */
export const textsOf = async (module) => void (await globalThis.django?.more?.(module));
