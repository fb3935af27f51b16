/** A JSON document as a tree sees it: pure, so that Node can test it. */

/** Like JSON.parse, but whole numbers that JavaScript would round stay whole (as BigInt). @param {string} text */
export function parse(text) {
  return JSON.parse(text, (_, value, context) => {
    const source = context?.source ?? "";
    const rounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return rounded && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** Whether the value holds others. @param {unknown} value */
export const isBranch = (value) => value !== null && typeof value === "object" && Object.keys(value).length > 0;

/**
 * The members of an object or array, each with its key and its path (RFC 6901).
 *
 * @param {unknown} value
 * @param {string} path
 */
export function children(value, path) {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).map(([key, member]) => ({
    key,
    value: member,
    path: `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
  }));
}

/** The kind of a leaf, for its colour. @param {unknown} value */
export function typeOf(value) {
  if (value === null) return "null";
  if (typeof value === "object") return "size";
  return typeof value === "bigint" ? "number" : typeof value;
}

/** A leaf as it is written in JSON. @param {unknown} value */
export function shown(value) {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

/** A document as people edit it; whole numbers stay whole. @param {unknown} value */
export const pretty = (value) =>
  JSON.stringify(value, (_, each) => (typeof each === "bigint" ? JSON.rawJSON(String(each)) : each), 2);
