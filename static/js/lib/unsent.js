/**
 * What has been written on a page and not sent, so that it can be put back after the page was loaded anew. Fields are
 * known by their id, else by their form and name. Pure: it sees of a field what its properties say.
 *
 * @typedef {Pick<HTMLInputElement, "id" | "name" | "type" | "value" | "checked"> & Partial<Pick<HTMLInputElement, "defaultValue" | "defaultChecked">>
 *   & { form?: { getAttribute(name: string): string | null } | null, options?: Iterable<{ selected: boolean, defaultSelected: boolean }> }} Field
 * @typedef {{ key: string, value?: string, checked?: boolean }} Unsent
 */

/** Never kept: what is secret, what the server has put there, what scripts may not fill in. */
const OTHERS = new Set(["password", "hidden", "file", "submit", "button", "reset", "image", "fieldset", "output"]);
const CHOICES = new Set(["checkbox", "radio"]);

/** @param {Field} field */
function keyOf(field) {
  const name = CHOICES.has(field.type) ? `${field.name}=${field.value}` : field.name;
  return field.id ? `#${field.id}` : `${field.form?.getAttribute("action") ?? ""} ${name}`;
}

/** @param {Field} field */
function changed(field) {
  if (CHOICES.has(field.type)) return field.checked !== Boolean(field.defaultChecked);
  if (!field.options) return field.value !== (field.defaultValue ?? "");
  const options = [...field.options];
  // Where no option is marked, a list begins with its first.
  if (!options.some(({ defaultSelected }) => defaultSelected)) return !options[0]?.selected;
  return options.some(({ selected, defaultSelected }) => selected !== defaultSelected);
}

/**
 * What differs from what the server sent.
 *
 * @param {Iterable<Field>} fields
 * @returns {Unsent[]}
 */
export function unsent(fields) {
  return [...fields]
    .filter((field) => !OTHERS.has(field.type) && (field.id || field.name) && changed(field))
    .map((field) => (CHOICES.has(field.type) ? { key: keyOf(field), checked: field.checked } : { key: keyOf(field), value: field.value }));
}

/**
 * Put it back where its fields are; `put` is called for each that was filled. What has found no field is given back.
 *
 * @template {Field} F
 * @param {Iterable<F>} fields
 * @param {Unsent[]} kept
 * @param {(field: F) => void} put
 * @returns {Unsent[]}
 */
export function restore(fields, kept, put) {
  const waiting = new Map(kept.map((each) => [each.key, each]));
  for (const field of fields) {
    const found = OTHERS.has(field.type) ? undefined : waiting.get(keyOf(field));
    if (!found) continue;
    waiting.delete(found.key);
    if (found.checked !== undefined) field.checked = found.checked;
    else field.value = found.value ?? "";
    put(field);
  }
  return [...waiting.values()];
}
