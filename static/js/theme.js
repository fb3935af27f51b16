/* Loaded before the first paint, so that a stored choice of light or dark does not flash. */
(() => {
  const root = document.documentElement;
  let stored = null;
  try {
    stored = localStorage.getItem("stars:theme");
  } catch {
    // Storage may be forbidden; the system's choice then stands.
  }
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  root.classList.add("js");
})();
