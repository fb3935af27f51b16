/** A JSON document as a tree sees it: pure, so that Node can test it. */

/** Like JSON.parse, but whole numbers that JavaScript would round stay whole (as BigInt). */
export function parse(text) {
  return JSON.parse(text, (_, value, context) => {
    const source = context?.source ?? "";
    const rounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return rounded && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** Whether the value holds others. */
export const isBranch = (value) => value !== null && typeof value === "object" && Object.keys(value).length > 0;

/** The members of an object or array, each with its key and its path (RFC 6901). */
export function children(value, path) {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).map(([key, member]) => ({
    key,
    value: member,
    path: `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
  }));
}

/** The kind of a leaf, for its colour. */
export function typeOf(value) {
  if (value === null) return "null";
  if (typeof value === "object") return "size";
  return typeof value === "bigint" ? "number" : typeof value;
}

/** A leaf as it is written in JSON. */
export function shown(value) {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

/** A document as people edit it; whole numbers stay whole. */
export const pretty = (value) =>
  JSON.stringify(value, (_, each) => (typeof each === "bigint" ? JSON.rawJSON(String(each)) : each), 2);
