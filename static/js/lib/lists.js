/** Small things about lists. Pure. */

/**
 * The entry at a place that the caller knows to be there.
 * @template T
 * @param {readonly T[]} list
 * @param {number} n
 * @returns {T}
 */
export const nth = (list, n) => /** @type {T} */ (list[n]);

/** @param {readonly number[]} values - at least one */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
