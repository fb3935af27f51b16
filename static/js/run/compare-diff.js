/**
 * What differs between two texts, line by line: the shortest edit (Myers, An O(ND) Difference Algorithm and Its
 * Variations, 1986). Pure.
 */

/** @typedef {{kind: "same" | "gone" | "new" | "skip", text: string, n?: number}} Line */

/** Beyond so many edits texts have nothing in common that is worth looking for. */
const MOST_EDITS = 600;
/** Equal lines that are shown around a difference. */
const AROUND = 2;

/**
 * All lines of both, in order: those of both, those of the first only, those of the second only.
 * @param {string} before
 * @param {string} after
 * @returns {Line[]}
 */
export function diffLines(before, after) {
  const [a, b] = [before, after].map((text) => (text ? text.replace(/\r\n?/g, "\n").split("\n") : []));
  if (!a || !b) return [];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  /** @param {string[]} lines @param {Line["kind"]} kind @returns {Line[]} */
  const as = (lines, kind) => lines.map((text) => ({ kind, text }));
  const middle = shortest(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return [...as(a.slice(0, head), "same"), ...middle, ...as(a.slice(a.length - tail), "same")];
}

/** @param {string[]} a @param {string[]} b @returns {Line[]} */
function shortest(a, b) {
  /** The furthest line of `a` on each diagonal, after each number of edits. @type {Map<number, number>[]} */
  const steps = [];
  /** @type {Map<number, number>} */
  let far = new Map([[1, 0]]);
  const get = (/** @type {Map<number, number>} */ of, /** @type {number} */ k) => of.get(k) ?? -1;
  const down = (/** @type {Map<number, number>} */ of, /** @type {number} */ k, /** @type {number} */ d) =>
    k === -d || (k !== d && get(of, k - 1) < get(of, k + 1));
  for (let d = 0; d <= Math.min(a.length + b.length, MOST_EDITS); d += 1) {
    steps.push(far);
    const next = new Map(far);
    for (let k = -d; k <= d; k += 2) {
      let x = down(far, k, d) ? get(far, k + 1) : get(far, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, steps, d);
    }
    far = next;
  }
  return [...a.map((text) => /** @type {Line} */ ({ kind: "gone", text })), ...b.map((text) => /** @type {Line} */ ({ kind: "new", text }))];

  /** @param {string[]} left @param {string[]} right @param {Map<number, number>[]} all @param {number} edits @returns {Line[]} */
  function walkBack(left, right, all, edits) {
    /** @type {Line[]} */
    const lines = [];
    let [x, y] = [left.length, right.length];
    for (let d = edits; d > 0; d -= 1) {
      const of = /** @type {Map<number, number>} */ (all[d]);
      const k = x - y;
      const from = down(of, k, d) ? k + 1 : k - 1;
      const fromX = get(of, from);
      const fromY = fromX - from;
      while (x > fromX && y > fromY && x > 0 && y > 0 && left[x - 1] === right[y - 1]) {
        x -= 1;
        y -= 1;
        lines.push({ kind: "same", text: left[x] ?? "" });
      }
      if (x === fromX) lines.push({ kind: "new", text: right[(y -= 1)] ?? "" });
      else lines.push({ kind: "gone", text: left[(x -= 1)] ?? "" });
    }
    while (x > 0) lines.push({ kind: "same", text: left[(x -= 1)] ?? "" });
    return lines.toReversed();
  }
}

/**
 * The same with long stretches of equal lines left out; `n` says how many.
 * @param {Line[]} lines
 * @returns {Line[]}
 */
export function folded(lines) {
  const near = lines.map((_, n) => lines.slice(Math.max(0, n - AROUND), n + AROUND + 1).some(({ kind }) => kind !== "same"));
  /** @type {Line[]} */
  const shown = [];
  lines.forEach((line, n) => {
    const last = shown.at(-1);
    if (near[n]) shown.push(line);
    else if (last?.kind === "skip") last.n = (last.n ?? 0) + 1;
    else shown.push({ kind: "skip", text: "", n: 1 });
  });
  return shown;
}
