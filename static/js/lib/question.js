/** What a form asks for, as the query of an address: fields that say nothing are left out. */

/**
 * @param {Iterable<[string, FormDataEntryValue]>} fields
 * @param {string | null} [shown] how many to show, if more than at first
 */
export function question(fields, shown = null) {
  const asked = new URLSearchParams();
  for (const [name, value] of fields) {
    if (typeof value === "string" && value.trim() && name !== "csrfmiddlewaretoken") asked.set(name, value.trim());
  }
  if (asked.get("order") === "recent") asked.delete("order");
  if (shown) asked.set("shown", shown);
  const text = asked.toString();
  return text ? `?${text}` : "";
}
