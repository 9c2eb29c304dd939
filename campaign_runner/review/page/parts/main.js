/** The page put together. */

import { Actions } from "./actions.js";
import { byId } from "./dom.js";
import { DoneScreen } from "./done.js";
import { Filters } from "./filters.js";
import { Grid } from "./grid.js";
import { showHead } from "./head.js";
import { Keys } from "./keys.js";
import { Live } from "./live.js";
import { readPageData } from "./page_data.js";
import { followPictureSize } from "./picture_size.js";
import { Position } from "./position.js";
import { ReasonNote } from "./reason_note.js";
import { Review } from "./review.js";
import { Saving } from "./saving.js";
import { BrowserStorage } from "./storage.js";
import { Viewer } from "./viewer.js";

function begin() {
  const data = readPageData();
  const storage = new BrowserStorage(data.folder);
  const review = new Review(data, storage);
  const position = new Position(review);
  const actions = new Actions(review, position, storage);
  const filters = new Filters(review);
  const grid = new Grid(review, position, (name, row, index) => onTile(name, row, index, actions, position));
  const viewer = new Viewer(review, position, (name, ...values) => actions.run(name, ...values));
  actions.connect({ grid, viewer, filters, done: new DoneScreen(review), reasonNote: new ReasonNote() });
  new Keys({ actions, position, grid, viewer, filters, storage });
  new Saving(review, data.is_served);
  followPictureSize(storage);
  listen({ review, position, grid, viewer, filters });
  filters.apply();
  showHead(review);
  if (data.is_served) new Live(review, () => showRenewed(position, viewer));
  openLinked(review, position, viewer);
  addEventListener("hashchange", () => openLinked(review, position, viewer));
}

function listen({ review, position, grid, viewer, filters }) {
  review.addEventListener("rows", ({ detail: numbers }) => {
    grid.refresh(numbers);
    viewer.show();
    showHead(review);
  });
  position.addEventListener("moved", () => {
    if (viewer.isOpen) viewer.show();
    else grid.reveal({ focused: isNobodyWriting() });
  });
  filters.addEventListener("shown", ({ detail: groups }) => {
    position.show(groups.flatMap((group) => group.rows));
    grid.show(groups);
    byId("shown").textContent = shownWords(position.rows.length, review.rows.length);
  });
  for (const button of document.querySelectorAll("[data-opens]")) {
    button.addEventListener("click", () => byId(button.dataset.opens).showModal());
  }
  for (const button of document.querySelectorAll("[data-closes]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}

/** Whether the keyboard may be moved: one who types into the search, or chooses a filter, stays there. */
function isNobodyWriting() {
  return !document.activeElement?.closest("#head, #filters");
}

/** Rows were read again: what is shown large is of the new ones. */
function showRenewed(position, viewer) {
  position.renew();
  viewer.show();
}

function shownWords(shown, all) {
  return shown === all ? "" : `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} rows are shown`;
}

function onTile(name, row, index, actions, position) {
  position.goTo(row, index);
  actions.run(name === "open" ? "large" : name);
}

/** `#key8` in the address opens that image. */
function openLinked(review, position, viewer) {
  const start = location.hash.slice(1).toLowerCase();
  if (!/^[0-9a-f]{8,64}$/.test(start)) return;
  for (const row of review.rows) {
    const index = row.images.findIndex((image) => image.key.startsWith(start));
    if (index < 0) continue;
    position.goTo(row, index);
    viewer.open();
    return;
  }
}

begin();
