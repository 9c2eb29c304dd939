/** The grid: a section for each row, filled with pictures only when it comes near the screen. */

import { byId, element, plural } from "./dom.js";
import { makeTile, refreshTile } from "./tile.js";
import { STATES } from "./words.js";

const NEAR = "1500px 0px";

export class Grid {
  #review;
  #position;
  #act;
  #root = byId("grid");
  #sections = [];
  #watcher;
  #marked = null;

  /** `act(name, row, index)` is called for `open`, `pick` and `reject`. */
  constructor(review, position, act) {
    this.#review = review;
    this.#position = position;
    this.#act = act;
    this.#watcher = new IntersectionObserver((seen) => this.#onSeen(seen), { rootMargin: NEAR });
    const most = Math.max(1, ...review.rows.map((row) => row.images.length));
    this.#root.style.setProperty("--in-row", String(Math.min(most, 6)));
    this.#sections = review.rows.map((row) => this.#section(row));
    this.#root.addEventListener("focusin", (event) => this.#onFocus(event));
  }

  /** Show these groups of rows, in this order. */
  show(groups) {
    const shown = groups.flatMap(({ name, rows }) => [
      name === null ? null : element("h2", { class: "group" }, name, element("span", {}, plural(rows.length, "row"))),
      ...rows.map((row) => this.#sections[row.number]),
    ]);
    this.#root.replaceChildren(...shown.filter(Boolean));
    byId("nothing").hidden = shown.length > 0;
  }

  /** Bring these rows up to date. */
  refresh(numbers) {
    for (const number of numbers) {
      const section = this.#sections[number];
      if (section) this.#refreshSection(section, this.#review.rows[number]);
    }
    this.#mark();
  }

  /** How many rows are side by side: so many rows on is the one below. */
  get columns() {
    return getComputedStyle(this.#root).gridTemplateColumns.split(" ").length;
  }

  /** Show where one is; `focused` also moves the keyboard there. */
  reveal({ focused }) {
    const { row, index } = this.#position;
    if (!row) return;
    const section = this.#sections[row.number];
    this.#fill(section);
    this.#mark();
    const picture = section.querySelectorAll(".picture")[index];
    if (focused) picture?.focus({ preventScroll: true });
    const seen = section.getBoundingClientRect();
    const top = byId("head").getBoundingClientRect().bottom;
    if (seen.top < top || seen.bottom > window.innerHeight) section.scrollIntoView({ block: "center" });
  }

  #section(row) {
    const heading = element("h3", { id: `row-${row.number}` }, row.label);
    const head = element("header", {}, heading, element("p", { class: "state" }));
    const tiles = element("div", { class: "tiles" });
    const section = element(
      "section",
      { class: "row", "aria-labelledby": `row-${row.number}`, "data-row": row.number },
      head,
      tiles,
    );
    const shape = row.images[0];
    section.style.setProperty("--shape", shape ? String(shape.height / shape.width) : "1");
    section.style.setProperty("--images", String(row.images.length));
    this.#refreshHead(section, row);
    this.#watcher.observe(section);
    return section;
  }

  #onSeen(seen) {
    for (const each of seen) {
      if (each.isIntersecting) this.#fill(each.target);
    }
  }

  #fill(section) {
    if (section.dataset.filled) return;
    section.dataset.filled = "yes";
    this.#watcher.unobserve(section);
    const row = this.#review.rows[Number(section.dataset.row)];
    const tiles = row.images.map((_, index) => makeTile(row, index, (name) => this.#onAct(name, section, index)));
    section.querySelector(".tiles").append(...tiles);
    tiles.forEach((tile, index) => refreshTile(tile, row, index, this.#review));
    this.#mark();
  }

  #onAct(name, section, index) {
    this.#act(name, this.#review.rows[Number(section.dataset.row)], index);
  }

  #refreshSection(section, row) {
    this.#refreshHead(section, row);
    section.querySelectorAll(".tile").forEach((tile, index) => refreshTile(tile, row, index, this.#review));
  }

  #refreshHead(section, row) {
    const { state } = this.#review.decided(row);
    const shown = this.#review.showsOthers || ["waiting", "empty"].includes(state) ? state : "";
    section.dataset.state = shown;
    section.querySelector(".state").textContent = shown === "open" ? "" : (STATES[shown] ?? "");
    section.dataset.new = this.#review.isNewForMe(row) ? "yes" : "";
  }

  /** One picture of the grid can be reached by Tab: the one where one is. */
  #mark() {
    const { row, index } = this.#position;
    const tile = row && this.#sections[row.number].querySelectorAll(".tile")[index];
    if (tile === this.#marked && tile?.classList.contains("here")) return;
    this.#setReachable(this.#marked, false);
    this.#marked = tile ?? null;
    this.#setReachable(this.#marked, true);
  }

  #setReachable(tile, is) {
    if (!tile) return;
    tile.classList.toggle("here", is);
    for (const button of tile.querySelectorAll("button")) button.tabIndex = is ? 0 : -1;
  }

  #onFocus(event) {
    const picture = event.target.closest(".picture");
    const section = event.target.closest(".row");
    if (!picture || !section) return;
    const row = this.#review.rows[Number(section.dataset.row)];
    const index = Number(picture.dataset.place);
    if (row !== this.#position.row || index !== this.#position.index) this.#position.goTo(row, index);
  }
}
