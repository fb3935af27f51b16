/** Server-sent events (HTML, 9.2) out of a stream of text, as pieces of it arrive; DOM-free. */

/** Takes pieces, gives whole events. */
export class Events {
  #rest = "";

  /**
   * @param {string} piece
   * @returns {{ event: string, data: any }[]} the events that are whole by now
   */
  take(piece) {
    const blocks = (this.#rest + piece).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => {
      const lines = block.split("\n").filter((line) => line && !line.startsWith(":"));
      const of = (/** @type {string} */ name) =>
        lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
      const data = of("data").join("\n");
      return data ? [{ event: of("event")[0] ?? "message", data: JSON.parse(data) }] : [];
    });
  }
}
