/** Where one is: a row, an image of it, and how to get from there to others among the rows that are shown. */

export class Position extends EventTarget {
  #review;
  #places = new Map();

  constructor(review) {
    super();
    this.#review = review;
    this.show(review.rows);
    this.row = this.rows[0] ?? null;
    this.index = 0;
  }

  get image() {
    return this.row?.images[this.index] ?? null;
  }

  /** Where that is among the rows that are shown, in words. */
  get words() {
    const row = `Row ${(this.#places.get(this.row.number) ?? 0) + 1} of ${this.rows.length}`;
    return `${row} · image ${this.index + 1} of ${this.row.images.length}`;
  }

  /** Go among these rows from now on, in this order. */
  show(rows) {
    this.rows = rows;
    this.#places = new Map(rows.map((row, place) => [row.number, place]));
    if (this.row && !this.#places.has(this.row.number)) this.goTo(rows[0] ?? null, 0);
  }

  /** The rows were read again: hold on to the same one. */
  renew() {
    this.rows = this.rows.map((row) => this.#review.rows[row.number]).filter(Boolean);
    if (this.row) this.row = this.#review.rows[this.row.number] ?? null;
  }

  goTo(row, index) {
    this.row = row;
    this.index = row ? Math.min(Math.max(index, 0), row.images.length - 1) : 0;
    this.dispatchEvent(new CustomEvent("moved"));
  }

  /** By so many images, on into the rows before and after; false at either end. */
  byImages(step) {
    if (!this.row) return false;
    const index = this.index + step;
    if (index >= 0 && index < this.row.images.length) return this.#went(this.row, index);
    const row = this.#beside(step);
    return row ? this.#went(row, step > 0 ? 0 : row.images.length - 1) : false;
  }

  /** By so many rows. */
  byRows(step) {
    const row = this.#beside(step);
    return row ? this.#went(row, this.index) : false;
  }

  /** To the next image of this row that has a picture, without leaving the row; false at its end. */
  withinRow() {
    const index = this.row.images.findIndex((image, at) => at > this.index && image.state === "stored");
    return index >= 0 ? this.#went(this.row, index) : false;
  }

  /** To the next row that is open for this reviewer, round the end to the beginning; false where there is none. */
  toNextOpen() {
    const from = this.row ? this.#places.get(this.row.number) + 1 : 0;
    const order = [...this.rows.slice(from), ...this.rows.slice(0, from)];
    const row = order.find((each) => this.#review.isOpenForMe(each));
    return row ? this.#went(row, firstStored(row)) : false;
  }

  /** What comes before and after, to be loaded ahead. */
  neighbours() {
    if (!this.row) return [];
    const place = this.#places.get(this.row.number);
    const around = [place - 1, place, place + 1].map((each) => this.rows[each]).filter(Boolean);
    const images = around.flatMap((row) => row.images);
    const here = images.indexOf(this.image);
    return images.slice(Math.max(0, here - 2), here + 5).filter((image) => image.state === "stored");
  }

  #beside(step) {
    if (!this.row) return null;
    return this.rows[(this.#places.get(this.row.number) ?? 0) + step] ?? null;
  }

  #went(row, index) {
    this.goTo(row, index);
    return true;
  }
}

function firstStored(row) {
  return Math.max(0, row.images.findIndex((image) => image.state === "stored"));
}
