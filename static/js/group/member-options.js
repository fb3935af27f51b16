/** The members that a message can be for, or written as, follow those who come and go. */

import { h } from "../lib/dom.js";
import { facts } from "./facts.js";

facts.addEventListener("change", () => {
  const ids = [...(facts.sky?.members.keys() ?? [])];
  for (const select of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll(".compose-end select"))) {
    const [first, ...others] = select.options;
    if (!first || others.map(({ value }) => value).join(" ") === ids.join(" ")) continue;
    const { value } = select;
    select.replaceChildren(first, ...ids.map((id) => h("option", { value: id }, id)));
    select.value = ids.includes(value) ? value : first.value;
  }
});
