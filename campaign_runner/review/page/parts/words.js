/** How states and reasons are called. */

export const STATES = {
  picked: "picked",
  rejected: "rejected",
  conflict: "conflict",
  proposed: "proposed",
  "passed-over": "passed over",
  undecided: "undecided",
  waiting: "waiting",
  empty: "nothing to show",
  open: "open",
};

export const MISSING = {
  accepted: "paid for, not downloaded yet",
  in_doubt: "in doubt",
  failed: "failed",
  abandoned: "given up",
  pending: "not requested yet",
};

const REASONS = {
  product: "wrong product",
  anatomy: "anatomy",
  text: "text in the picture",
  brand: "off brand",
  legal: "legal",
  composition: "composition",
  quality: "quality",
  duplicate: "too much alike",
};

/** All reasons by code, in the order of their digits: ours, the campaign's own, and `other`, which needs a note. */
export function reasonsOf(settings) {
  return new Map([...Object.entries(REASONS), ...Object.entries(settings.reasons), ["other", "other (needs a note)"]]);
}

/** A reason as people read it. */
export function reasonWords(settings, code) {
  return reasonsOf(settings).get(code) ?? code;
}

/** Which digit gives which reason. */
export function reasonDigits(settings) {
  const reasons = [...reasonsOf(settings).values()].slice(0, 9);
  const unbroken = (words) => words.replaceAll(" ", "\u00a0");
  return reasons.map((words, at) => `${at + 1}\u00a0${unbroken(words)}`).join(" · ");
}

/** What one person said of an image, in a few words. */
export function verdictWords(mark, settings) {
  const verdict = { pick: "picked", reject: "rejected" }[mark.value.verdict] ?? "cleared";
  const reason = mark.value.reason ? `: ${reasonWords(settings, mark.value.reason)}` : "";
  return verdict + reason + (mark.value.text ? `, “${mark.value.text}”` : "");
}
