/**
 * What a channel shows of a picture: the largest part of its ratio, placed by the focus. Pure geometry.
 *
 * Python does the same in `channels/crops.py`; `tests/channels/crops.json` holds both to one result.
 */

/** The entry of a focus that holds for all channels without their own. */
export const EVERY_CHANNEL = "*";
const MIDDLE = [0.5, 0.5];
const DECIMALS = 3;
const ALMOST = 0.001; // pixels that rounding may take

/** What the cut of a channel is placed by: its own entry of a focus, else that for all; null for the middle. */
export function focusFor(focus, id) {
  const name = [id, EVERY_CHANNEL].find((each) => focus && Object.hasOwn(focus, each));
  return name === undefined ? null : focus[name];
}

/**
 * The part of a picture that a channel shows: `{left, top, width, height}` in pixels of the picture.
 *
 * Two numbers of a focus are a point, which comes as near as possible to the middle of the channel's safe area. Four
 * are a part (left, top, width, height), which is brought to the channel's ratio inwards.
 */
export function cropAt(picture, channel, focus) {
  const placed = focus ?? MIDDLE;
  if (placed.length === 4) return inwards(picture, channel, placed);
  const [width, height] = largest(picture.width, picture.height, channel);
  const [across, down] = safeMiddle(channel);
  const left = withinRoom(placed[0] * picture.width - across * width, picture.width - width);
  const top = withinRoom(placed[1] * picture.height - down * height, picture.height - height);
  return crop(left, top, width, height);
}

/** Whether a part has fewer pixels than the channel: then no file is made of it. */
export function isEnlarged(part, channel) {
  return part.width < channel.width - ALMOST || part.height < channel.height - ALMOST;
}

function inwards(picture, channel, part) {
  const [left, top] = [part[0] * picture.width, part[1] * picture.height];
  const wide = Math.min(part[2] * picture.width, picture.width - left);
  const high = Math.min(part[3] * picture.height, picture.height - top);
  const [width, height] = largest(wide, high, channel);
  return crop(left + (wide - width) / 2, top + (high - height) / 2, width, height);
}

/** The largest width and height of a channel's ratio which fit. */
function largest(width, height, ratio) {
  const scale = Math.min(width / ratio.width, height / ratio.height);
  return [ratio.width * scale, ratio.height * scale];
}

/** The middle of what the platform leaves free of a channel, in fractions of it. */
function safeMiddle({ width, height, safe }) {
  return [(safe.left + width - safe.right) / 2 / width, (safe.top + height - safe.bottom) / 2 / height];
}

/** Where something begins that may begin anywhere from 0 to `most`. */
export function withinRoom(start, most) {
  return Math.min(Math.max(start, 0), Math.max(most, 0));
}

function crop(...lengths) {
  const [left, top, width, height] = lengths.map(asPythonRounds);
  return { left, top, width, height };
}

/** To three decimals; what is exactly between two goes to the even one, as Python has it. */
function asPythonRounds(length) {
  const isBetween = Math.abs((length * 16) % 2) === 1;
  if (!isBetween) return Number(length.toFixed(DECIMALS));
  const below = Math.floor(length * 1000);
  return (below % 2 === 0 ? below : below + 1) / 1000;
}
