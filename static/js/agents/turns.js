/** A test conversation: what was said, and what it cost in all; DOM-free. */

import { fill, gettext } from "../lib/i18n.js";

/**
 * @typedef {{ status: string, text: string, input_tokens: number, output_tokens: number, cost_usd: number | null, seconds: number }} End
 * @typedef {{ text: string, answer: string, end: End | null }} Turn
 */

/**
 * What the agent is told again: turns that it answered, or asked back in.
 * @param {Turn[]} turns
 */
export const earlier = (turns) =>
  turns.filter(({ end }) => end && end.status !== "failed").map(({ text, answer }) => ({ text, answer }));

/**
 * What one answer took.
 * @param {End} end
 */
export function took(end) {
  const tokens = end.input_tokens + end.output_tokens;
  const time = fill(gettext("%(n)s s"), { n: end.seconds });
  return tokens ? `${time} · ${tokensAndMoney(tokens, end.cost_usd)}` : time;
}

/**
 * What all answers cost; empty while they cost nothing.
 * @param {Turn[]} turns
 */
export function cost(turns) {
  const ends = turns.flatMap(({ end }) => end ?? []);
  const tokens = ends.reduce((sum, end) => sum + end.input_tokens + end.output_tokens, 0);
  const unknown = ends.some(({ cost_usd: usd }) => usd === null);
  const usd = ends.reduce((sum, end) => sum + (end.cost_usd ?? 0), 0);
  return tokens ? tokensAndMoney(tokens, unknown ? null : usd) : "";
}

/**
 * @param {number} tokens
 * @param {number | null} usd
 */
function tokensAndMoney(tokens, usd) {
  const words = fill(gettext("%(n)s tokens"), { n: tokens.toLocaleString() });
  if (usd === null) return `${words}, ${gettext("cost unknown")}`;
  return usd ? `${words}, $${Number(usd.toFixed(4))}` : words;
}
