/**
 * On which line of a JSON text each path stands, and where the text stops being JSON. Pure, so that Node can test it.
 */

import { pointer } from "./ops.js";

const BLANK = new Set([" ", "\t", "\n", "\r"]);
const PLAIN = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/;
const STRING = /^"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/;

/** Reads a text once, from left to right. */
class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.line = 1;
    this.begins = 0;
    /** @type {Map<string, number>} */
    this.lines = new Map();
  }

  blank() {
    for (; BLANK.has(this.text[this.at] ?? ""); this.at++) {
      if (this.text[this.at] === "\n") {
        this.line += 1;
        this.begins = this.at + 1;
      }
    }
  }

  /** @param {RegExp} pattern @returns {string} */
  take(pattern) {
    // Strings hold no line breaks, so a line's rest is enough, and a long text is not copied for each value.
    const end = this.text.indexOf("\n", this.at);
    const found = pattern.exec(this.text.slice(this.at, end < 0 ? undefined : end))?.[0];
    if (!found) throw this;
    this.at += found.length;
    return found;
  }

  /** A string; what is below a space stands in none. */
  string() {
    const found = this.take(STRING);
    if ([...found].some((letter) => letter < " ")) throw this;
    return found;
  }

  /** @param {string} sign */
  sign(sign) {
    this.blank();
    if (this.text[this.at] !== sign) throw this;
    this.at += 1;
  }

  /** @param {string[]} tokens */
  value(tokens) {
    this.blank();
    const path = pointer(tokens);
    if (!this.lines.has(path)) this.lines.set(path, this.line);
    const first = this.text[this.at];
    if (first === "{" || first === "[") this.members(tokens, first === "{");
    else if (first === '"') this.string();
    else this.take(PLAIN);
  }

  /** @param {string[]} tokens @param {boolean} object */
  members(tokens, object) {
    const end = object ? "}" : "]";
    this.at += 1;
    this.blank();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (let index = 0; ; index++) {
      let key = String(index);
      if (object) {
        this.blank();
        const line = this.line;
        key = /** @type {string} */ (JSON.parse(this.string()));
        this.lines.set(pointer([...tokens, key]), line);
        this.sign(":");
      }
      this.value([...tokens, key]);
      this.blank();
      if (this.text[this.at] === end) break;
      this.sign(",");
    }
    this.at += 1;
  }
}

/**
 * The line of each path, and the place (line and column, from 1) from which the text is no JSON; null: it is JSON.
 *
 * @param {string} text
 */
export function linesOf(text) {
  const reader = new Reader(text);
  /** @type {{ line: number, column: number } | null} */
  let fault = null;
  try {
    reader.value([]);
    reader.blank();
    if (reader.at < text.length) throw reader;
  } catch (thrown) {
    if (thrown !== reader && !(thrown instanceof RangeError)) throw thrown;
    fault = { line: reader.line, column: reader.at - reader.begins + 1 };
  }
  return { lines: reader.lines, fault };
}

/** The line of a path, or of what is nearest above it. @param {Map<string, number>} lines @param {string} path */
export function lineOf(lines, path) {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const line = lines.get(at);
    if (line !== undefined) return line;
    if (!at) return 1;
  }
}

/** Where a line begins and ends in the text. @param {string} text @param {number} line */
export function spanOf(text, line) {
  let begin = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf("\n", begin);
    if (next < 0) break;
    begin = next + 1;
  }
  const end = text.indexOf("\n", begin);
  return { begin, end: end < 0 ? text.length : end };
}
