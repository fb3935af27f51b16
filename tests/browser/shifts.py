"""What moved on a page though nobody touched it (web.dev/cls): a script that gathers it in `window.shifted`."""

from __future__ import annotations

from typing import Final

#: Names what moved by itself, from the page's first paint on.
SHIFTS: Final = """
window.shifted = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    for (const { node, previousRect: a, currentRect: b } of entry.sources) {
      window.shifted.push(`${node?.outerHTML?.slice(0, 80)}: ${a.x},${a.y} -> ${b.x},${b.y}`);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""
