/** Text in an SVG has no line breaks of its own: lines that fit into a width. Pure; the caller measures. */

/**
 * At most `most` lines of `text`, each no wider than `room`; what does not fit ends in an ellipsis. Lines break at
 * spaces, in scripts without spaces (and in words too long for a line) anywhere.
 * @param {string} text
 * @param {number} room
 * @param {number} most
 * @param {(text: string) => number} measure
 * @returns {string[]}
 */
export function wrap(text, room, most, measure) {
  /** @type {string[]} */
  const lines = [];
  let rest = text.replace(/\s+/g, " ").trim();
  while (rest && lines.length < most) {
    if (measure(rest) <= room) return [...lines, rest];
    const last = lines.length === most - 1;
    const fits = longest(rest, last ? room - measure("…") : room, measure);
    if (last) return [...lines, `${rest.slice(0, fits).trimEnd()}…`];
    // The last space that still fits, unless the line would stay half empty for it.
    const space = rest.lastIndexOf(" ", fits);
    const cut = space > fits / 2 ? space : fits;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  return lines;
}

/**
 * How many characters of the text fit, at least one; found by halving, and no pair of surrogates is cut.
 * @param {string} text
 * @param {number} room
 * @param {(text: string) => number} measure
 */
function longest(text, room, measure) {
  let fits = 1;
  let over = Math.min(text.length, 200) + 1;
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    if (measure(text.slice(0, middle)) <= room) fits = middle;
    else over = middle;
  }
  return /[\uD800-\uDBFF]/.test(text.charAt(fits - 1)) ? Math.max(2, fits + 1) : fits;
}
