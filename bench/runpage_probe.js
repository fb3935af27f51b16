// Runs in the measured page before its own scripts: when rows come, how long frames take, which tasks are long.
(() => {
  const probe = { rows: 0, read: 0, frames: [], tasks: [], longest: 0 };
  window.probe = probe;
  const look = () => {
    if (!probe.rows && document.querySelector(".log-row, [data-seq]")) probe.rows = performance.now();
    const store = document.querySelector("stars-run")?.store;
    if (!probe.read && store?.target && store.caughtUp) probe.read = performance.now();
    if (!probe.rows || !probe.read) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) probe.tasks.push(task.duration);
  }).observe({ type: "longtask" });

  /** Frame times of `ms` milliseconds; `each()` is called in every frame. */
  probe.record = (ms, each = () => {}) =>
    new Promise((done) => {
      const frames = [];
      probe.tasks.length = 0;
      const begun = performance.now();
      let last = begun;
      const frame = () => {
        const now = performance.now();
        frames.push(now - last);
        last = now;
        each();
        if (now - begun < ms) requestAnimationFrame(frame);
        else done({ frames: frames.slice(1), tasks: [...probe.tasks] });
      };
      requestAnimationFrame(frame);
    });

  /** The part of `root` that has most to scroll, or the page itself. */
  const scroller = (root) => {
    const scrolls = (node) => ["auto", "scroll"].includes(getComputedStyle(node).overflowY) && node.scrollHeight > node.clientHeight;
    const found = [root, ...root.querySelectorAll("*")].filter(scrolls);
    return found.toSorted((a, b) => b.scrollHeight - a.scrollHeight)[0] ?? document.scrollingElement;
  };

  /** Scroll the part through for `ms`, down and up again. */
  probe.scroll = (selector, ms, step) => {
    const box = scroller(document.querySelector(selector));
    box.scrollTop = 0;
    let by = step;
    return probe.record(ms, () => {
      const before = box.scrollTop;
      box.scrollTop += by;
      if (box.scrollTop === before) by = -by;
    });
  };
})();
