/**
 * Which merge strategy a schema names at which path, as a list that people edit. Pure, so that Node can test it.
 *
 * A path is a JSON Pointer in which `*` stands for every element of an array, or every member that is not named.
 *
 * @import { Maybe, Value } from "./types.d.ts"
 * @typedef {{ [key: string]: Value }} Schema
 * @typedef {{ path: string, strategy: string }} Rule
 */

import { pointer, tokensOf } from "./ops.js";

const KEYWORD = "x-stars-merge";

/** @param {Maybe} value @returns {value is Schema} */
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** @param {Schema} schema @returns {Rule[]} */
export function rulesOf(schema) {
  /** @type {Rule[]} */
  const found = [];
  /** @param {Maybe} node @param {string[]} tokens */
  const walk = (node, tokens) => {
    if (!isObject(node)) return;
    if (typeof node[KEYWORD] === "string") found.push({ path: pointer(tokens), strategy: node[KEYWORD] });
    if (isObject(node.properties)) for (const [key, part] of Object.entries(node.properties)) walk(part, [...tokens, key]);
    for (const rest of ["items", "additionalProperties"]) walk(node[rest], [...tokens, "*"]);
  };
  walk(schema, []);
  return found;
}

/** The schema with (or, for an empty strategy, without) a rule at the path; the one given stays as it is. @param {Schema} schema @param {string} path @param {string} strategy @returns {Schema} */
export function withRule(schema, path, strategy) {
  /** @type {Schema} */
  const copy = structuredClone(schema);
  let node = copy;
  for (const token of tokensOf(path)) {
    /** @type {Schema} */
    let members = node;
    let key = token;
    if (token === "*") key = node.type === "array" || isObject(node.items) ? "items" : "additionalProperties";
    else {
      if (!isObject(node.properties)) {
        if (!strategy) return copy;
        node.properties = {};
      }
      members = /** @type {Schema} */ (node.properties);
    }
    if (!isObject(members[key])) {
      if (!strategy) return copy;
      members[key] = {};
    }
    node = /** @type {Schema} */ (members[key]);
  }
  if (strategy) node[KEYWORD] = strategy;
  else delete node[KEYWORD];
  return copy;
}

/** What is wrong with a path of a rule; "" when nothing is. @param {string} path @returns {"" | "slash" | "tilde"} */
export function faultOf(path) {
  if (path !== "" && !path.startsWith("/")) return "slash";
  return /~(?![01])/.test(path) ? "tilde" : "";
}
