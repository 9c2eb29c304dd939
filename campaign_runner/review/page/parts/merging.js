/**
 * Which marks stand: those that no other replaces, whatever the order of files, lines and duplicates.
 *
 * Python does the same in `merging.py`; `tests/review/cases.json` holds both to one result.
 */

/** Those of `marks` (about one image in one cell) that no other replaces. Another person's verdict never is. */
export function standing(marks) {
  const replaced = new Set();
  for (const mark of marks) {
    for (const earlier of mark.after) {
      if (earlier !== mark.id) replaced.add(`${chain(mark)}/${earlier}`);
    }
  }
  return marks.filter((mark) => !replaced.has(`${chain(mark)}/${mark.id}`)).sort(inOrderOfIds);
}

/** Whose marks a mark may replace: a focus is a fact of the picture, all else is the reviewer's own. */
function chain(mark) {
  return mark.kind === "focus" ? "focus/" : `${mark.kind}/${mark.reviewer}`;
}

function inOrderOfIds(one, other) {
  return one.id < other.id ? -1 : Number(one.id > other.id);
}

/**
 * All marks of a campaign, found by the image and the cell they are about. Equal ids are one mark.
 *
 * Where one id was given to two different ones, the smaller spelling counts, whichever is added first.
 */
export class MarkIndex {
  #byId = new Map();
  #byKey = new Map();
  #byBytes = new Map();

  constructor(marks = []) {
    for (const mark of marks) this.add(mark);
  }

  /** The marks that count from now on, or no longer: this one, and one of the same id; none if it was known. */
  add(mark) {
    const known = this.#byId.get(mark.id);
    if (known && spelling(known) <= spelling(mark)) return [];
    if (known) this.#remove(known);
    this.#byId.set(mark.id, mark);
    listed(this.#byKey, mark.key).push(mark);
    listed(this.#byBytes, mark.sha256).push(mark);
    return known ? [mark, known] : [mark];
  }

  #remove(mark) {
    for (const list of [listed(this.#byKey, mark.key), listed(this.#byBytes, mark.sha256)]) {
      list.splice(list.indexOf(mark), 1);
    }
  }

  get(id) {
    return this.#byId.get(id);
  }

  has(id) {
    return this.#byId.has(id);
  }

  /**
   * The marks on an image of a row, standing or not.
   *
   * A picture that has come under another key brings its marks along, unless they are on another image of the row.
   */
  about(image, row) {
    const keys = new Set(row.images.map((each) => each.key));
    const here = this.#byKey.get(image.key) ?? [];
    const moved = (this.#byBytes.get(image.sha256) ?? []).filter((mark) => !keys.has(mark.key));
    return [...here, ...moved].filter((mark) => !mark.cell || cellOf(mark) === row.cellId);
  }
}

function listed(map, key) {
  if (!map.has(key)) map.set(key, []);
  return map.get(key);
}

const cellIds = new WeakMap();

function cellOf(mark) {
  if (!cellIds.has(mark)) cellIds.set(mark, cellId(mark.cell));
  return cellIds.get(mark);
}

/** One spelling for a cell, whatever the order of its fields. */
export function cellId(cell) {
  if (cell === null || typeof cell !== "object") return JSON.stringify(cell);
  const fields = Object.keys(cell).sort().map((name) => `${JSON.stringify(name)}:${cellId(cell[name])}`);
  return `{${fields.join(",")}}`;
}

/** What orders two marks that claim to be the same, as `spelling` in `merging.py` spells them. */
export function spelling(value) {
  if (typeof value === "number") return hexOf(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(spelling).join(",")}]`;
  const fields = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${spelling(value[name])}`);
  return `{${fields.join(",")}}`;
}

/** The eight bytes of a number: languages write its digits in different ways. */
function hexOf(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}
