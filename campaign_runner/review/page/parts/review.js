/** The state of the page: all marks, what they amount to, and what this reviewer does next to them. */

import { MarkIndex, cellId, standing } from "./merging.js";
import { chosenFocus, decide } from "./rules.js";

const MARK_ID_BYTES = 8;

/** Dispatches `rows` (detail: numbers of rows that changed) and `marks` (detail: what was just marked here). */
export class Review extends EventTarget {
  #storage;
  #own;
  #undoable;
  #index = new MarkIndex();
  #rowsByKey = new Map();
  #rowsByBytes = new Map();
  #decided = [];
  #madeIn = new Map();

  constructor(data, storage) {
    super();
    this.#storage = storage;
    this.#undoable = storage.undoable();
    this.reviewer = data.reviewer ?? storage.reviewer();
    this.showsOthers = !data.settings.blind;
    this.names = new Map(Object.entries(data.reviewers));
    this.takeData(data);
    this.#own = storage.marks().filter((kept) => !this.#index.has(kept.mark.id));
    for (const kept of this.#own) this.#index.add(kept.mark);
    storage.keepMarks(this.#own);
    this.#decided = this.rows.map((row) => this.#decide(row));
  }

  /** Begin with, or go on with, what the page or the server says; the answer is the rows that differ. */
  takeData(data) {
    const before = this.data?.rows ?? [];
    this.data = data;
    this.settings = data.settings;
    this.rows = data.rows;
    this.#rowsByKey = grouped(this.rows, (image) => image.key);
    this.#rowsByBytes = grouped(this.rows, (image) => image.sha256);
    const touched = new Set(this.rows.filter((row) => differs(row, before[row.number])).map((row) => row.number));
    for (const [id, name] of Object.entries(data.reviewers)) this.names.set(id, name);
    for (const mark of data.marks) {
      const changed = this.#index.add(mark).flatMap((each) => this.#touchedBy(each));
      changed.forEach((row) => touched.add(row.number));
    }
    return touched;
  }

  /** The same while the page is open: what shows rows hears of those that changed. */
  refresh(data) {
    const touched = this.takeData(data);
    this.#forgetKept();
    this.#changed([...touched]);
  }

  /** What a row amounts to, as `rules.js` says. */
  decided(row) {
    return this.#decided[row.number];
  }

  rowsOf(key) {
    return this.#rowsByKey.get(key) ?? [];
  }

  nameOf(reviewer) {
    return this.names.get(reviewer) ?? (reviewer === this.reviewer?.id ? this.reviewer.name : reviewer);
  }

  /** This reviewer's standing verdict for an image in a row: a mark, or undefined; the latest known of several. */
  verdictOf(row, image) {
    return this.#ownStanding(row, image, "verdict").at(-1);
  }

  /** What this reviewer says of an image in a row: "pick", "reject" or null. */
  wordOf(row, image) {
    return this.verdictOf(row, image)?.value.verdict ?? null;
  }

  /** The standing notes on an image in a row, with who wrote them. */
  notesOf(row, image) {
    const about = this.#index.about(image, row).filter((mark) => mark.kind === "note");
    return standing(about).filter((mark) => mark.value?.text).sort((one, other) => (one.at < other.at ? -1 : 1));
  }

  /** What must be seen of an image, as `chosenFocus` says; null where no one said so of these bytes. */
  focusOf(row, image) {
    const decided = this.decided(row).images.find((each) => each.image.key === image.key);
    return decided ? chosenFocus(decided, this.settings) : null;
  }

  /** Own marks that are in no file yet. */
  get unsaved() {
    return this.#own.filter((kept) => !kept.saved).map((kept) => kept.mark);
  }

  /** Own marks that `decisions/` did not have when the page was written, saved or not. */
  get pending() {
    return this.#own.map((kept) => kept.mark);
  }

  /** How many rows are in each state, and how many are open for this reviewer or have new pictures. */
  counts() {
    const counts = { picked: 0, conflict: 0, rejected: 0, waiting: 0, empty: 0, open: 0, new: 0 };
    for (const decided of this.#decided) {
      counts[decided.state] += 1;
      counts.new += isNewFor(decided, this.reviewer) ? 1 : 0;
    }
    return counts;
  }

  /** Whether a row has a picture that came after this reviewer's last mark in it. */
  isNewForMe(row) {
    return isNewFor(this.decided(row), this.reviewer);
  }

  /**
   * Whether a row still asks something of this reviewer: new pictures, or no word of theirs that settles it.
   *
   * A row in which one has picked, or rejected all there is, is done for oneself, whatever others still have to say.
   */
  isOpenForMe(row) {
    const decided = this.decided(row);
    if (this.isNewForMe(row)) return true;
    if (["picked", "rejected", "empty"].includes(decided.state)) return false;
    const stored = row.images.filter((image) => image.state === "stored");
    const said = stored.map((image) => this.wordOf(row, image));
    return stored.length > 0 && !said.includes("pick") && !said.every((verdict) => verdict === "reject");
  }

  /** Say "pick", "reject" or null for an image of a row. Picking another image of a row moves one's pick. */
  giveVerdict(row, image, verdict, reason = null, text = null) {
    const made = verdict === "pick" ? this.#movedPick(row, image) : [];
    made.push(this.#mark(row, image, "verdict", { verdict, reason, text }, this.#ownStanding(row, image, "verdict")));
    this.#take(made, true);
    return made;
  }

  /** Pin a note to a place, or put it in place of an earlier one. */
  giveNote(row, image, value, before = null) {
    const made = [this.#mark(row, image, "note", value, before ? [before] : [])];
    this.#take(made, true);
    return made;
  }

  /** Say what must be seen of a picture, by channel, in every row that it stands in; null takes it back. */
  giveFocus(row, image, value) {
    const known = this.rowsOf(image.key).flatMap((each) => standing(this.#index.about(image, each)));
    const replaced = new Set(known.filter((mark) => mark.kind === "focus"));
    this.#take([this.#mark(row, image, "focus", value, [...replaced])], true);
  }

  /** Take back what was done last, by marks that say what was said before. The answer is where; null at the start. */
  undo() {
    const group = this.#undoable.pop();
    if (!group) return null;
    const undone = group.map((id) => this.#index.get(id)).filter(Boolean);
    const made = undone.flatMap((mark) => this.#reverse(mark));
    this.#take(made, false);
    const last = undone.at(-1);
    const row = last && this.#rowOf(last);
    return row ? { row, image: row.images.find((image) => image.key === last.key), marks: undone } : this.undo();
  }

  /** Whether other people's verdicts are shown; with `blind` they are hidden first. */
  showOthers(shown) {
    this.showsOthers = shown;
    this.#changed(this.rows.map((row) => row.number));
  }

  /** Who marks from now on. */
  nameReviewer(reviewer) {
    this.reviewer = reviewer;
    this.#storage.keepReviewer(reviewer);
    this.#changed(this.rows.map((row) => row.number));
  }

  /** These marks are in a file now. */
  noteSaved(ids) {
    const saved = new Set(ids);
    this.#own = this.#own.map((kept) => (saved.has(kept.mark.id) ? { ...kept, saved: true } : kept));
    this.#keep();
  }

  /** Marks that are in `decisions/` need not be kept in the browser any more. */
  noteFiled(ids) {
    const filed = new Set(ids);
    this.#own = this.#own.filter((kept) => !filed.has(kept.mark.id));
    this.#keep();
  }

  #forgetKept() {
    this.noteFiled(this.data.marks.map((mark) => mark.id));
  }

  #keep() {
    this.isKept = this.#storage.keepMarks(this.#own);
    this.dispatchEvent(new CustomEvent("kept"));
  }

  /** The rows that a mark has a say in: those of its image, and of the same picture under another key. */
  #touchedBy(mark) {
    return [...this.rowsOf(mark.key), ...(this.#rowsByBytes.get(mark.sha256) ?? [])];
  }

  #ownStanding(row, image, kind) {
    const about = this.#index.about(image, row);
    return standing(about.filter((mark) => mark.kind === kind && mark.reviewer === this.reviewer?.id));
  }

  #movedPick(row, image) {
    if (this.settings.picks !== 1) return [];
    const others = row.images.filter((other) => other !== image);
    return others
      .map((other) => ({ other, before: this.#ownStanding(row, other, "verdict") }))
      .filter(({ before }) => before.some((mark) => mark.value.verdict === "pick"))
      .map(({ other, before }) => this.#mark(row, other, "verdict", NOTHING, before));
  }

  #mark(row, image, kind, value, replaced) {
    const id = newId();
    this.#madeIn.set(id, row.number);
    return {
      id,
      key: image.key,
      sha256: image.sha256,
      cell: kind === "focus" ? null : row.cell, // a focus is a fact of the picture, wherever it stands
      kind,
      value,
      after: replaced.map((mark) => mark.id),
      at: new Date().toISOString(),
      reviewer: this.reviewer.id,
    };
  }

  /** What takes a mark back: for each that it had replaced one that says the same again, or one that says nothing. */
  #reverse(mark) {
    const row = this.#rowOf(mark);
    const image = row?.images.find((each) => each.key === mark.key);
    if (!image) return [];
    const before = mark.after.map((id) => this.#index.get(id)).filter(Boolean);
    const nothing = mark.kind === "verdict" ? NOTHING : null;
    const values = before.length ? before.map((each) => each.value) : [nothing];
    return values.map((value) => ({ ...this.#mark(row, image, mark.kind, value, [mark]), sha256: mark.sha256 }));
  }

  #rowOf(mark) {
    const rows = this.rowsOf(mark.key);
    if (mark.cell) return rows.find((row) => row.cellId === cellId(mark.cell));
    return rows.find((row) => row.number === this.#madeIn.get(mark.id)) ?? rows[0];
  }

  #take(made, isUndoable) {
    for (const mark of made) {
      this.#index.add(mark);
      this.#own.push({ mark, saved: false });
    }
    if (isUndoable) this.#undoable.push(made.map((mark) => mark.id));
    this.#storage.keepUndoable(this.#undoable);
    this.#keep();
    this.#changed([...new Set(made.flatMap((mark) => this.#touchedBy(mark)).map((row) => row.number))]);
    this.dispatchEvent(new CustomEvent("marks", { detail: made }));
  }

  #changed(numbers) {
    for (const number of numbers) this.#decided[number] = this.#decide(this.rows[number]);
    this.dispatchEvent(new CustomEvent("rows", { detail: numbers }));
  }

  #decide(row) {
    return decide(row, this.#index, this.settings);
  }
}

const NOTHING = { verdict: null, reason: null, text: null };

/** The rows of each image, by what `of` says of it. */
function grouped(rows, of) {
  const found = new Map();
  for (const row of rows) {
    for (const image of row.images) {
      const name = of(image);
      if (name) found.set(name, [...(found.get(name) ?? []), row]);
    }
  }
  return found;
}

function isNewFor(decided, reviewer) {
  return decided.images.some((each) => each.newFor.has(reviewer?.id));
}

function differs(row, before) {
  return !before || JSON.stringify(row) !== JSON.stringify(before);
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(MARK_ID_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
