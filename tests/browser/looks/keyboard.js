// What the keyboard gets to, looked at in a page: `keyboard.unreached()`, and for each press of Tab `keyboard.step()`.
(() => {
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [contenteditable=true]";
  const FOCUS = `${CONTROLS}, [tabindex]`;
  const ROLES = ["button", "checkbox", "gridcell", "link", "menuitem", "option", "radio", "slider", "switch", "tab", "treeitem"];
  const ACTS = ROLES.map((role) => `[role=${role}]`).join();
  /** One stop each; arrows lead through them. */
  const WIDGET = "[role=tablist], [role=listbox], [role=tree], [role=grid], [role=menu]";
  /** By what an element that has the focus may be told from one that has not. */
  const LOOKS = ["outline-style", "outline-width", "box-shadow", "border-color", "background-color", "stroke", "stroke-width", "inset-block-start"];

  const shown = (each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest("[inert]");
  const off = (each) => each.closest(":disabled, [aria-disabled=true]");
  const stops = (each) => each.matches(FOCUS) && each.tabIndex >= 0 && !each.matches(":disabled") && shown(each);
  const within = (each) => [each, ...each.querySelectorAll(FOCUS)].filter(stops);
  const outline = (each) => each.outerHTML.slice(0, 140);

  /** Whether a key gets to an element, or to what it is a part of. */
  function reached(each) {
    for (let one = each; one; one = one.parentElement) if (stops(one)) return true;
    const control = each.closest("label")?.control;
    if (control && (stops(control) || off(control))) return true;
    const widget = each.closest(`${WIDGET}, svg[role]`);
    return Boolean(widget && within(widget).length);
  }

  /** Whatever can be clicked and no key gets to; stops in another order than they are read; widgets of several stops. */
  function unreached() {
    const pointer = (each) => getComputedStyle(each).cursor === "pointer";
    const found = [];
    for (const each of document.body.querySelectorAll("*")) {
      if (!shown(each) || off(each)) continue;
      const acts = each.matches(`${CONTROLS}, ${ACTS}`);
      if (acts && !reached(each)) found.push(`no key gets to ${outline(each)}`);
      const pointed = !acts && pointer(each) && !pointer(each.parentElement);
      if (pointed && !reached(each) && !within(each).length) found.push(`only a pointer uses ${outline(each)}`);
      if (each.tabIndex > 0) found.push(`out of order: ${outline(each)}`);
      const parts = each.matches(WIDGET) ? [...each.querySelectorAll(ACTS)].filter(shown) : [];
      if (parts.length && within(each).length !== 1) found.push(`${within(each).length} stops in ${outline(each)}`);
    }
    return found;
  }

  /** Of radio buttons of one name only one is a stop: the one that is chosen, else the first. */
  function isStop(each, _, all) {
    if (each.type !== "radio") return true;
    const group = all.filter(({ type, name, form }) => type === "radio" && name === each.name && form === each.form);
    return each === (group.find(({ checked }) => checked) ?? group[0]);
  }

  /** How an element looks; the ring may be on what lies around it, or on what is drawn in its place. */
  function look(each) {
    const places = [each, each.parentElement, each.parentElement?.parentElement, each.nextElementSibling, ...each.querySelectorAll("*")];
    const styles = places.filter(Boolean).slice(0, 12).flatMap((one) => [null, "::before", "::after"].map((part) => getComputedStyle(one, part)));
    return JSON.stringify(styles.map((style) => LOOKS.map((name) => style.getPropertyValue(name))));
  }

  /** Whether something else lies over all of it. */
  function covered(each) {
    const { x, y, width, height } = each.getBoundingClientRect();
    if (width <= 1) return false; // drawn in another place
    return [0.1, 0.5, 0.9].every((share) => {
      const top = document.elementFromPoint(x + width / 2, y + share * height);
      return !top || !(top.closest("label") || each.contains(top) || top.contains(each));
    });
  }

  let first, last, left, before;

  /** Go to the first stop, and remember how all look without the focus; tells how many there are. */
  function begin() {
    const all = [...document.querySelectorAll(FOCUS)].filter(stops).filter(isStop);
    document.activeElement?.blur();
    before = new Map(all.map((each) => [each, look(each)]));
    first = last = all[0];
    left = new Set(all.slice(1));
    first.focus();
    return all.length;
  }

  /** What is wrong where Tab has led to; null at the end of the page. */
  function step() {
    const each = document.activeElement;
    if (!each || each === document.body || each === first) return null;
    const faults = [];
    if (before.get(each) === look(each)) faults.push(`no focus to be seen: ${outline(each)}`);
    if (last === each) faults.push(`holds the focus: ${outline(each)}`);
    else if (each.compareDocumentPosition(last) & Node.DOCUMENT_POSITION_FOLLOWING) faults.push(`goes back: ${outline(each)}`);
    if (covered(each)) faults.push(`not to be seen: ${outline(each)}`);
    left.delete(each);
    last = each;
    return faults;
  }

  /** The stops that Tab has not come to, of those that are still there. */
  const end = () => [...left].filter((each) => each.isConnected && stops(each)).map((each) => `never got to ${outline(each)}`);

  globalThis.keyboard = { unreached, begin, step, end };
})();
