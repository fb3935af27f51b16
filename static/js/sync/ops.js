/**
 * Operations on JSON documents, as `state/jsonvalue/operations.py` has them: pure, so that Node can test it.
 *
 * @import { Maybe, Op, Value } from "./types.d.ts"
 * @typedef {{ [key: string]: Value }} Members
 */

const INDEX = /^(?:0|[1-9][0-9]{0,9})$/;

/** An operation that the document has no place for. */
export class Misfit extends Error {}

/** The tokens of a pointer (RFC 6901); [] for "", the whole document. @param {string} path */
export const tokensOf = (path) =>
  path === "" ? [] : path.slice(1).split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));

/** An operation's path; on the wire that of the whole document is left out. @param {Op} op */
export const pathOf = (op) => op.path ?? "";

/** The pointer of these tokens. @param {(string | number)[]} tokens */
export const pointer = (tokens) =>
  tokens.map((token) => `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** @param {Maybe} value @returns {value is Members} */
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
/** @param {Maybe} node @returns {any} */
const copy = (node) => (Array.isArray(node) ? [...node] : { .../** @type {Members} */ (node) });

/** What stands under these tokens; undefined when nothing does. @param {Maybe} data @param {string[]} tokens @returns {Maybe} */
export function follow(data, tokens) {
  let node = data;
  for (const token of tokens) {
    if (Array.isArray(node)) node = INDEX.test(token) ? node[Number(token)] : undefined;
    else node = isObject(node) && Object.hasOwn(node, token) ? node[token] : undefined;
  }
  return node;
}

/** The document after these operations; `data` stays as it is, untouched parts are shared. Throws Misfit. @param {Value} data @param {Op[]} ops @returns {Value} */
export function apply(data, ops) {
  return ops.reduce((document, op) => {
    const tokens = tokensOf(pathOf(op));
    if (op.op === "delete" || (op.op === "merge" && op.value === null && tokens.length)) return without(document, tokens);
    if (op.op === "merge") return put(document, tokens, merged(follow(document, tokens), /** @type {Value} */ (op.value)));
    return put(document, tokens, /** @type {Value} */ (op.value));
  }, data);
}

/** Where these operations wrote: an append or removal in an array counts as the array. @param {Op[]} ops @returns {string[]} */
export function written(ops) {
  return ops.flatMap((op) => {
    const tokens = tokensOf(pathOf(op));
    if (op.op === "merge" && isObject(op.value)) return leaves(op.value, pathOf(op));
    const last = tokens.at(-1) ?? "";
    const moves = last === "-" || (op.op === "delete" && INDEX.test(last));
    return [moves ? pointer(tokens.slice(0, -1)) : pathOf(op)];
  });
}

/** Pointers of the innermost members of objects. @param {Value} value @param {string} path @returns {string[]} */
function leaves(value, path) {
  if (!isObject(value) || !Object.keys(value).length) return [path];
  return Object.entries(value).flatMap(([key, member]) => leaves(member, path + pointer([key])));
}

/** Whether one of the paths is the other or above it. @param {string} one @param {string} other */
export const overlap = (one, other) =>
  one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);

/** A member may be called `__proto__`, which plain assignment takes otherwise. @param {Members} node @param {string} key @param {Value} value */
function assign(node, key, value) {
  Object.defineProperty(node, key, { value, writable: true, enumerable: true, configurable: true });
}

/** @param {Value[]} node @param {string} token */
function place(node, token) {
  if (!INDEX.test(token) || Number(token) >= node.length) throw new Misfit(`There is no element ${token}.`);
  return Number(token);
}

/** @param {Value} data @param {string[]} tokens @param {Value} value @returns {Value} */
function put(data, tokens, value) {
  if (!tokens.length) {
    if (!isObject(value)) throw new Misfit("The whole document is an object.");
    return value;
  }
  const [token = "", ...rest] = tokens;
  const node = copy(data);
  if (!rest.length) {
    if (Array.isArray(node) && token === "-") node.push(value);
    else if (Array.isArray(node)) node[place(node, token)] = value;
    else assign(node, token, value);
    return node;
  }
  if (Array.isArray(node)) place(node, token);
  const begun = rest.length === 1 && rest[0] === "-" ? [] : {};
  const child = Array.isArray(node) ? node[Number(token)] : (follow(node, [token]) ?? (Object.hasOwn(node, token) ? null : begun));
  if (child === null || typeof child !== "object") throw new Misfit(`${token} holds a value that has nothing under it.`);
  const changed = put(child, rest, value);
  if (Array.isArray(node)) node[Number(token)] = changed;
  else assign(node, token, changed);
  return node;
}

/** @param {Value} data @param {string[]} tokens @returns {Value} */
function without(data, tokens) {
  if (!tokens.length) return {};
  if (follow(data, tokens) === undefined) return data;
  const [token = "", ...rest] = tokens;
  const node = copy(data);
  if (rest.length) {
    const changed = without(/** @type {Value} */ (follow(data, [token])), rest);
    if (Array.isArray(node)) node[Number(token)] = changed;
    else assign(node, token, changed);
  } else if (Array.isArray(node)) node.splice(Number(token), 1);
  else delete node[token];
  return node;
}

/** A JSON merge patch (RFC 7386). @param {Maybe} target @param {Value} patch @returns {Value} */
function merged(target, patch) {
  if (!isObject(patch)) return patch;
  /** @type {Members} */
  const result = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else assign(result, key, merged(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}
