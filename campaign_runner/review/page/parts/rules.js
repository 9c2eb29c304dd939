/**
 * What the standing marks amount to: the state of each image in its row, and of each row.
 *
 * Python does the same in `rules.py`; `tests/review/cases.json` holds both to one result.
 */

import { spelling, standing } from "./merging.js";

const COMING = ["pending", "accepted", "in_doubt"];

/** `{state, images, isNew}`; an image has its `state`, the `marks` that stand, those `outdated`, and `newFor` whom. */
export function decide(row, index, rules) {
  const about = row.images.map((image) => index.about(image, row));
  const stands = about.map((marks) => standing(marks));
  const votes = row.images.map((image, at) => votesOn(image, stands[at]));
  const states = inRow(votes, votes.map((vote) => ownState(vote, rules)), rules);
  const seen = lastSeen(about.flat());
  const images = row.images.map((image, at) => {
    const outdated = stands[at].filter((mark) => image.state === "stored" && mark.sha256 !== image.sha256);
    return { image, state: states[at], marks: stands[at], outdated, newFor: newFor(image, about[at], seen) };
  });
  const isNew = seen.size > 0 && images.some((each) => each.newFor.size === seen.size);
  return { state: rowState(row.images, states), images, isNew };
}

/**
 * The focus that counts of an image as `decide` has it: where two stand the final one's, else the later.
 *
 * `{value, mark, isDisputed}`; null where no one set one, or where it was taken back.
 */
export function chosenFocus(decided, rules) {
  const current = decided.marks.filter((mark) => mark.kind === "focus" && !decided.outdated.includes(mark));
  const rank = (mark) => [Number(mark.reviewer === rules.final), Date.parse(mark.at)];
  const mark = current.reduce((best, each) => (best && isBefore(rank(each), rank(best)) ? best : each), null);
  if (!mark?.value) return null;
  return { value: mark.value, mark, isDisputed: current.some((each) => spelling(each.value) !== spelling(mark.value)) };
}

/** Whether one rank comes before another; of equal ones neither does. */
function isBefore([isFinal, at], [otherIsFinal, otherAt]) {
  return isFinal === otherIsFinal ? at < otherAt : isFinal < otherIsFinal;
}

/** What each reviewer says of the stored bytes; no one says anything of an image that is not stored. */
function votesOn(image, marks) {
  const votes = new Map();
  for (const mark of marks) {
    if (mark.kind !== "verdict" || image.state !== "stored" || mark.sha256 !== image.sha256) continue;
    votes.set(mark.reviewer, (votes.get(mark.reviewer) ?? new Set()).add(mark.value?.verdict ?? null));
  }
  for (const [who, words] of votes) {
    if (says(words, null)) votes.delete(who);
  }
  return votes;
}

/** Whether `words` are this word and no other. */
function says(words, word) {
  return words !== undefined && words.size === 1 && words.has(word);
}

/** What the votes on one image make of it, the other images of its row left aside. */
function ownState(votes, rules) {
  if (rules.must.some((who) => says(votes.get(who), "reject"))) return "rejected";
  if (rules.final !== null && votes.has(rules.final)) return byFinal(votes, rules);
  if ([...votes.values()].some((words) => words.size > 1)) return "conflict";
  if (rules.final !== null) return pickers(votes).length ? "proposed" : "undecided";
  return byCount(votes, rules);
}

function byFinal(votes, rules) {
  const words = votes.get(rules.final);
  if (words.size > 1) return "conflict";
  if (says(words, "reject")) return "rejected";
  return allOf(rules.must, pickers(votes)) ? "picked" : "proposed";
}

function byCount(votes, rules) {
  const picking = pickers(votes);
  if (!votes.size) return "undecided";
  if (!picking.length) return "rejected";
  if (picking.length < votes.size) return "conflict";
  return picking.length >= rules.need && allOf(rules.must, picking) ? "picked" : "proposed";
}

function pickers(votes) {
  return [...votes].filter(([, words]) => says(words, "pick")).map(([who]) => who);
}

function allOf(wanted, there) {
  return wanted.every((each) => there.includes(each));
}

/** A pick of the final one settles the row, unless a reject is against it. More picked than may be is a conflict. */
function inRow(votes, states, rules) {
  const { final } = rules;
  const isChosen = (vote, at) => final !== null && says(vote.get(final), "pick") && states[at] !== "rejected";
  let result = states;
  if (votes.some(isChosen)) {
    result = states.map((state, at) => (votes[at].has(final) || state === "rejected" ? state : "passed-over"));
  }
  const most = rules.picks === "any" ? Infinity : rules.picks;
  const isTooMany = result.filter((state) => state === "picked").length > most;
  return isTooMany ? result.map((state) => (state === "picked" ? "conflict" : state)) : result;
}

/** What the states of its images make of a row. */
function rowState(images, states) {
  if (states.includes("conflict")) return "conflict";
  if (states.includes("picked")) return "picked";
  if (images.some((image) => COMING.includes(image.state))) return "waiting";
  const stored = states.filter((_, at) => images[at].state === "stored");
  if (!stored.length) return "empty";
  return stored.every((state) => state === "rejected") ? "rejected" : "open";
}

/** When each reviewer made their last mark, in milliseconds. */
function lastSeen(marks) {
  const seen = new Map();
  for (const mark of marks) seen.set(mark.reviewer, Math.max(seen.get(mark.reviewer) ?? 0, Date.parse(mark.at)));
  return seen;
}

/** The reviewers who marked this row before the image was stored, and have marked nothing of these very bytes. */
function newFor(image, marks, seen) {
  if (!image.stored_at) return new Set();
  const storedAt = Date.parse(image.stored_at);
  const knowing = new Set(marks.filter((mark) => mark.sha256 === image.sha256).map((mark) => mark.reviewer));
  return new Set([...seen].filter(([who, last]) => storedAt > last && !knowing.has(who)).map(([who]) => who));
}
