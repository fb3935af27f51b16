/** Why a cap or the time limit stopped something. The log has it in English; a page says it in its own language. */

import { fill, gettext } from "../lib/i18n.js";

const STOPS = [
  [/^The run's cap of (.+) is reached\.$/, () => gettext("The run's cap of %(amount)s is reached.")],
  [/^The agent's monthly cap of (.+) is reached\.$/, () => gettext("The agent's monthly cap of %(amount)s is reached.")],
  [/^The group's monthly cap of (.+) is reached\.$/, () => gettext("The group's monthly cap of %(amount)s is reached.")],
  [
    /^The installation's monthly cap of (.+) is reached\.$/,
    () => gettext("The installation's monthly cap of %(amount)s is reached."),
  ],
  [/^The run's time limit of (.+) s has passed\.$/, () => gettext("The run's time limit of %(amount)s s has passed.")],
];

/** "1,000 tokens" in the page's language; dollars and seconds are the same in all. */
function amountWords(amount) {
  const tokens = /^(.+) tokens$/.exec(amount);
  return tokens ? fill(gettext("%(n)s tokens"), { n: tokens[1] }) : amount;
}

/** The reason in the page's language; whatever else it says stays as it is. */
export function reasonWords(text) {
  for (const [pattern, words] of STOPS) {
    const found = pattern.exec(text);
    if (found) return fill(words(), { amount: amountWords(found[1]) });
  }
  return text;
}
