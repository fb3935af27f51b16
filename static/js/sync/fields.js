/**
 * A JSON Schema as the fields of a form. Pure, so that Node can test it.
 *
 * @import { Maybe, Op, Value } from "./types.d.ts"
 *
 * @typedef {{ [key: string]: Value }} Schema
 *
 * @typedef {object} Field
 * @property {string} path
 * @property {string} label
 * @property {string} help
 * @property {"text" | "long" | "whole" | "number" | "yes" | "choice" | "lines" | "group" | "json"} kind
 * @property {boolean} required
 * @property {Value[]} choices
 * @property {string} format of the schema: date, time, email, uri …
 * @property {string[]} limits attributes of the input, as name=value
 * @property {Maybe} value
 * @property {Field[]} fields of a group
 */

import { isBranch, parse, pretty } from "../lib/json-tree.js";
import { follow, pointer } from "./ops.js";

const DEEP = 4;

/** @param {Maybe} value @returns {value is Schema} */
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** A schema with what it refers to and is composed of laid together. @param {Schema} root @param {Maybe} node @param {number} [deep] @returns {Schema} */
export function whole(root, node, deep = 0) {
  if (!isObject(node) || deep > 8) return {};
  const parts = [...(Array.isArray(node.allOf) ? node.allOf : [])];
  if (typeof node.$ref === "string" && node.$ref.startsWith("#/")) {
    parts.unshift(/** @type {Value} */ (follow(root, node.$ref.slice(2).split("/").map(plain)) ?? {}));
  }
  return parts.reduceRight((/** @type {Schema} */ found, part) => {
    const more = whole(root, part, deep + 1);
    const properties = { ...asObject(more.properties), ...asObject(found.properties) };
    return { ...more, ...found, ...(Object.keys(properties).length ? { properties } : {}) };
  }, node);
}

/** @param {string} token */
const plain = (token) => token.replaceAll("~1", "/").replaceAll("~0", "~");

/** @param {Maybe} value @returns {Schema} */
const asObject = (value) => (isObject(value) ? value : {});

/** The JSON types that a schema allows but null. @param {Schema} node */
const typesOf = (node) => [node.type].flat().filter((type) => typeof type === "string" && type !== "null");

/**
 * The form for what a schema says about objects; [] when it names no property.
 *
 * @param {Schema | null} schema
 * @param {Value} data
 * @returns {Field[]}
 */
export function fieldsOf(schema, data) {
  return schema ? membersOf(schema, whole(schema, schema), data, [], 1) : [];
}

/** @param {Schema} root @param {Schema} node @param {Maybe} data @param {string[]} tokens @param {number} deep @returns {Field[]} */
function membersOf(root, node, data, tokens, deep) {
  const required = new Set(Array.isArray(node.required) ? node.required : []);
  return Object.entries(asObject(node.properties)).map(([key, part]) =>
    fieldOf(root, whole(root, part), [...tokens, key], asObject(data)[key], required.has(key), deep),
  );
}

/** @param {Schema} root @param {Schema} node @param {string[]} tokens @param {Maybe} value @param {boolean} required @param {number} deep @returns {Field} */
function fieldOf(root, node, tokens, value, required, deep) {
  const kind = kindOf(root, node, value, deep);
  return {
    path: pointer(tokens),
    label: typeof node.title === "string" ? node.title : tokens.at(-1) ?? "",
    help: typeof node.description === "string" ? node.description : "",
    kind,
    required,
    choices: Array.isArray(node.enum) ? node.enum : node.const !== undefined ? [node.const] : [],
    format: typeof node.format === "string" ? node.format : "",
    limits: limitsOf(node),
    value,
    fields: kind === "group" ? membersOf(root, node, value, tokens, deep + 1) : [],
  };
}

/** @param {Schema} root @param {Schema} node @param {Maybe} value @param {number} deep @returns {Field["kind"]} */
function kindOf(root, node, value, deep) {
  if (Array.isArray(node.enum) || node.const !== undefined) return "choice";
  const types = typesOf(node);
  // What stands there decides, too: a form must never show a value as something that it is not.
  if (types.length !== 1) return "json";
  const fits = value === undefined || value === null || suits(types[0], value);
  if (!fits) return "json";
  if (types[0] === "string") {
    const long = (typeof node.maxLength === "number" && node.maxLength > 120) || (typeof value === "string" && (value.length > 80 || value.includes("\n")));
    return long ? "long" : "text";
  }
  if (types[0] === "integer") return "whole";
  if (types[0] === "number") return "number";
  if (types[0] === "boolean") return "yes";
  if (types[0] === "object") return isObject(node.properties) && deep < DEEP ? "group" : "json";
  const items = whole(root, node.items);
  const words = Array.isArray(value) ? value.every((each) => typeof each === "string" && !each.includes("\n")) : true;
  return typesOf(items).join() === "string" && !items.enum && words ? "lines" : "json";
}

/** @param {Maybe} type @param {Value} value */
function suits(type, value) {
  if (type === "integer" || type === "number") return typeof value === "number" || typeof value === "bigint";
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  return typeof value === type;
}

/** @param {Schema} node */
function limitsOf(node) {
  /** @type {Record<string, string>} */
  const names = { minimum: "min", maximum: "max", minLength: "minlength", maxLength: "maxlength", multipleOf: "step" };
  return Object.entries(names).flatMap(([ours, theirs]) => (node[ours] === undefined ? [] : [`${theirs}=${node[ours]}`]));
}

/** What a field's input holds, as somebody reads it. @param {Field} field */
export function wordsOf({ kind, value }) {
  if (value === undefined) return "";
  if (kind === "lines") return /** @type {string[]} */ (value ?? []).join("\n");
  if (kind === "json") return pretty(value);
  if (kind === "choice" || kind === "yes") return pretty(value);
  return value === null ? "" : String(value);
}

/**
 * What somebody entered, as the operation that writes it; null when it is not a value of that kind (yet).
 *
 * @param {Field} field
 * @param {string} words
 * @returns {Op | null}
 */
export function opOf({ kind, path, required }, words) {
  const gone = /** @type {Op} */ ({ op: "delete", path });
  if (kind === "text" || kind === "long") return words || required ? { op: "set", path, value: words } : gone;
  if (kind === "lines") {
    return { op: "set", path, value: words.split("\n").map((line) => line.trim()).filter(Boolean) };
  }
  if (!words.trim()) return gone;
  try {
    const value = /** @type {Value} */ (parse(words));
    const isNumber = typeof value === "number" || typeof value === "bigint";
    if ((kind === "whole" || kind === "number") && !isNumber) return null;
    return { op: "set", path, value };
  } catch {
    return null;
  }
}

/** All fields, those of groups as well. @param {Field[]} fields @returns {Field[]} */
export const everyField = (fields) => fields.flatMap((field) => [field, ...everyField(field.fields)]);

/** Members of the document that the form has no field for. @param {Field[]} fields @param {Value} data @returns {string[]} */
export function beside(fields, data) {
  const known = new Set(fields.map(({ path }) => path));
  return isBranch(data) ? Object.keys(asObject(data)).filter((key) => !known.has(pointer([key]))) : [];
}
