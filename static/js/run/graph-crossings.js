/**
 * How many edges cross between neighbouring layers: counted as inversions with an accumulator tree, in O(E log V)
 * (Barth, Mutzel and Jünger, Simple and Efficient Bilayer Cross Counting, 2002). Pure.
 */

import { nth } from "../lib/lists.js";

/** @typedef {{after: readonly Linked[]}} Linked */

/** @param {readonly (readonly Linked[])[]} columns - the items of each layer, in order */
export function crossings(columns) {
  let sum = 0;
  for (let n = 1; n < columns.length; n += 1) sum += between(nth(columns, n - 1), nth(columns, n));
  return sum;
}

/** @param {readonly Linked[]} left @param {readonly Linked[]} right */
function between(left, right) {
  const row = new Map(right.map((item, n) => [item, n]));
  /** How many edges end at each row so far, as a Fenwick tree. */
  const tree = new Int32Array(right.length + 1);
  let ended = 0;
  let sum = 0;
  for (const item of left) {
    const rows = item.after.flatMap((other) => row.get(other) ?? []).toSorted((a, b) => a - b);
    for (const end of rows) {
      let notBelow = 0;
      for (let n = end + 1; n > 0; n -= n & -n) notBelow += tree[n] ?? 0;
      sum += ended - notBelow;
    }
    for (const end of rows) {
      for (let n = end + 1; n < tree.length; n += n & -n) tree[n] = (tree[n] ?? 0) + 1;
      ended += 1;
    }
  }
  return sum;
}
