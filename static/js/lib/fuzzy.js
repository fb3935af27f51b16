/** Fuzzy search as palettes do it: letters in order, beginnings of words and runs of letters count most. DOM-free. */

/**
 * How well a text answers a query, and where.
 * @typedef {object} Match
 * @property {number} score higher is better
 * @property {[number, number][]} marks the parts that matched: from, until
 */

/** How far apart letters may stand that are no beginnings of words. */
const NEAR = 4;
const WORD_START = /[\s/_.:·,()-]/;

/**
 * All words of the query stand in the text, each as letters in their order; null when one does not.
 * @param {string} query
 * @param {string} text
 * @returns {Match | null}
 */
export function match(query, text) {
  /** @type {Match} */
  const whole = { score: 0, marks: [] };
  for (const word of query.toLowerCase().split(/\s+/).filter(Boolean)) {
    const found = one(word, text);
    if (!found) return null;
    whole.score += found.score;
    whole.marks.push(...found.marks);
  }
  // Of two texts that match alike the shorter one is meant.
  whole.score -= text.length / 100;
  whole.marks = joined(whole.marks);
  return whole;
}

/**
 * The items that match, the best first; those that match alike keep their order. Without a query all of them.
 * @template T
 * @param {string} query
 * @param {T[]} items
 * @param {(item: T) => string[]} textsOf what an item is found by, its name first; further texts count less
 * @returns {{ item: T, marks: [number, number][], score: number }[]} `marks` are those of the name
 */
export function rank(query, items, textsOf) {
  if (!query.trim()) return items.map((item) => ({ item, marks: [], score: 0 }));
  return items
    .flatMap((item) => {
      const [name = "", ...more] = textsOf(item);
      const named = match(query, name);
      if (named) return [{ item, ...named }];
      const scores = more.flatMap((text) => match(query, text)?.score ?? []);
      return scores.length ? [{ item, marks: [], score: Math.max(...scores) / 2 - 5 }] : [];
    })
    .toSorted((a, b) => b.score - a.score);
}

/**
 * @param {string} word in lower case
 * @param {string} text
 * @returns {Match | null}
 */
function one(word, text) {
  const low = text.toLowerCase();
  // Lower case may be longer than the text ("İ"): then places would not fit.
  const where = low.length === text.length ? low : text;
  const start = starts(where, word);
  if (start >= 0) {
    const atStart = start === 0 || WORD_START.test(where.charAt(start - 1));
    return { score: word.length * 10 + (start === 0 ? 12 : atStart ? 8 : 0), marks: [[start, start + word.length]] };
  }
  // Not in one piece: letters in order, each at the beginning of a word or close behind the one before.
  /** @type {[number, number][]} */
  const marks = [];
  let place = -1;
  let score = 0;
  for (const letter of word) {
    const next = where.indexOf(letter, place + 1);
    if (next < 0) return null;
    const starting = next === 0 || WORD_START.test(where.charAt(next - 1));
    if (!starting && (next - place > NEAR || (place < 0 && letter < "\x7f"))) return null;
    score += starting ? 6 : next === place + 1 ? 4 : 1;
    marks.push([next, next + letter.length]);
    place = next + letter.length - 1;
  }
  return { score, marks };
}

/**
 * Where the word stands in the text in one piece: at the beginning of a word if it does so anywhere.
 * @param {string} text
 * @param {string} word
 */
function starts(text, word) {
  const first = text.indexOf(word);
  for (let place = first; place >= 0; place = text.indexOf(word, place + 1)) {
    if (place === 0 || WORD_START.test(text.charAt(place - 1))) return place;
  }
  return first;
}

/**
 * Marks in order, those that touch made one.
 * @param {[number, number][]} marks
 * @returns {[number, number][]}
 */
function joined(marks) {
  /** @type {[number, number][]} */
  const found = [];
  for (const [from, until] of marks.toSorted((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], until);
    else found.push([from, until]);
  }
  return found;
}

/**
 * Where the words of a query stand in a text, in one piece each.
 * @param {string} query
 * @param {string} text
 * @returns {[number, number][]}
 */
export function places(query, text) {
  const low = text.toLowerCase();
  if (low.length !== text.length) return [];
  /** @type {[number, number][]} */
  const found = [];
  for (const word of query.toLowerCase().split(/\s+/).filter(Boolean)) {
    for (let place = low.indexOf(word); place >= 0; place = low.indexOf(word, place + word.length)) {
      found.push([place, place + word.length]);
    }
  }
  return joined(found);
}

/**
 * The text in pieces, marked and not in turn.
 * @param {string} text
 * @param {[number, number][]} marks
 * @returns {{ text: string, marked: boolean }[]}
 */
export function pieces(text, marks) {
  const found = [];
  let at = 0;
  for (const [from, until] of marks) {
    if (from > at) found.push({ text: text.slice(at, from), marked: false });
    found.push({ text: text.slice(from, until), marked: true });
    at = until;
  }
  if (at < text.length) found.push({ text: text.slice(at), marked: false });
  return found;
}
