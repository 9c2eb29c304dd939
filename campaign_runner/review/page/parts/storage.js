/**
 * What this browser keeps for this folder: marks that are not in a file yet, the reviewer, switches, what to undo.
 *
 * Pages from disk may share one storage with any other file, so whatever is read is looked at as if a stranger had
 * written it.
 */

const ID = /^[0-9a-f]{16}$/;
const KEY = /^[0-9a-f]{64}$/;
const REVIEWER = /^[a-z0-9-]{1,40}$/;
const KINDS = ["verdict", "focus", "note"];
const VERDICTS = ["pick", "reject", null];
const LONGEST_TEXT = 4000;

export class BrowserStorage {
  #prefix;

  constructor(folder) {
    this.#prefix = `campaign_runner/${folder}/`;
  }

  /** Marks made here, in the order they were made; `saved` says whether they are in a file that was saved. */
  marks() {
    return this.#list("marks").filter((kept) => kept && isMark(kept.mark) && typeof kept.saved === "boolean");
  }

  keepMarks(kept) {
    return this.#write("marks", kept);
  }

  /** `{id, name}`, or null before the reviewer said who they are. */
  reviewer() {
    const kept = this.#read("reviewer");
    return isReviewer(kept) ? kept : null;
  }

  keepReviewer(reviewer) {
    this.#write("reviewer", { id: reviewer.id, name: reviewer.name });
  }

  /** Groups of ids of marks, the latest last: each group is what one undo takes back. */
  undoable() {
    return this.#list("undo").filter((group) => Array.isArray(group) && group.every((id) => ID.test(id)));
  }

  keepUndoable(groups) {
    this.#write("undo", groups);
  }

  /** A switch that is on or off. */
  isOn(name, usual) {
    const kept = this.#read(`switch-${name}`);
    return typeof kept === "boolean" ? kept : usual;
  }

  turn(name, on) {
    this.#write(`switch-${name}`, on);
  }

  /** A number that was set, or the usual one. */
  number(name, usual) {
    const kept = this.#read(name);
    return typeof kept === "number" && Number.isFinite(kept) ? kept : usual;
  }

  keepNumber(name, number) {
    this.#write(name, number);
  }

  #list(name) {
    const kept = this.#read(name);
    return Array.isArray(kept) ? kept : [];
  }

  #read(name) {
    try {
      return JSON.parse(localStorage.getItem(this.#prefix + name));
    } catch (refusal) {
      console.info(`what was kept as ${name} cannot be read`, refusal);
      return null;
    }
  }

  /** Whether it is kept now: a browser may refuse, or be full. */
  #write(name, value) {
    try {
      localStorage.setItem(this.#prefix + name, JSON.stringify(value));
      return true;
    } catch (refusal) {
      console.info(`${name} cannot be kept`, refusal);
      return false;
    }
  }
}

/** Whether a value is a mark as this page makes them. */
export function isMark(value) {
  return (
    isObject(value) &&
    ID.test(value.id) &&
    KEY.test(value.key) &&
    (value.sha256 === null || KEY.test(value.sha256)) &&
    KINDS.includes(value.kind) &&
    Array.isArray(value.after) &&
    value.after.every((id) => ID.test(id)) &&
    typeof value.at === "string" &&
    (value.cell === null || value.cell === undefined || isObject(value.cell)) &&
    isValue(value.kind, value.value)
  );
}

function isValue(kind, value) {
  if (value === null) return kind !== "verdict";
  if (!isObject(value)) return false;
  if (kind === "verdict") return VERDICTS.includes(value.verdict) && isText(value.reason) && isText(value.text);
  if (kind === "note") return isText(value.text) && isPlace(value.where);
  return Object.values(value).every((where) => where !== null && isPlace(where));
}

function isText(value) {
  return value === null || value === undefined || (typeof value === "string" && value.length <= LONGEST_TEXT);
}

/** A point or a rectangle in fractions of the picture, or no place. */
function isPlace(value) {
  if (value === null || value === undefined) return true;
  const isFraction = (each) => typeof each === "number" && each >= 0 && each <= 1;
  return Array.isArray(value) && [2, 4].includes(value.length) && value.every(isFraction);
}

function isReviewer(value) {
  return isObject(value) && REVIEWER.test(value.id) && typeof value.name === "string" && value.name.length <= 200;
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
