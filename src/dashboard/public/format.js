/** Figures for people. Amounts come as decimal strings and are formatted from the string, not from a float. */

const LOCALE = 'en-US';
const MINUS = '\u2212';
const money = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const prices = [
  [1000, new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 2 })],
  [1, new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 4 })],
  [0, new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 4, maximumFractionDigits: 8 })],
];
const quantities = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 8 });

export const NONE = '\u2013';

export function amount(value) {
  return value === null || value === undefined ? NONE : withMinus(money.format(value));
}

/** With its sign, a plus too. */
export function signedAmount(value) {
  if (value === null || value === undefined) return NONE;
  const text = money.format(value);
  return isZero(text) ? money.format(0) : text.startsWith('-') ? withMinus(text) : `+${text}`;
}

export function price(value) {
  if (value === null || value === undefined) return NONE;
  const [, format] = prices.find(([from]) => Math.abs(Number(value)) >= from);
  return format.format(value);
}

export function quantity(value) {
  return value === null || value === undefined ? NONE : quantities.format(value);
}

/** `percent` is in percent already. */
export function signedPercent(percent, decimals = 2) {
  if (percent === null || percent === undefined) return NONE;
  const text = `${percent.toFixed(decimals)}%`;
  if (isZero(text)) return `${(0).toFixed(decimals)}%`;
  return percent > 0 ? `+${text}` : withMinus(text);
}

export function fraction(value, decimals = 1) {
  return value === null || value === undefined ? NONE : withMinus(`${(value * 100).toFixed(decimals)}%`);
}

/** `gain`, `loss` or ``: the class of a figure. */
export function sign(value) {
  const number = Number(value);
  return number > 0 ? 'gain' : number < 0 ? 'loss' : '';
}

/** `4 s`, `2:05`, `3 h 12 m`, `5 d 2 h`. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** How long the minimum hold of a position still lasts. */
export function holdText({ minHoldEndsAtMs }, nowMs) {
  if (minHoldEndsAtMs === null) return '';
  return minHoldEndsAtMs > nowMs ? `${duration(minHoldEndsAtMs - nowMs)} left` : 'over';
}

const HOLD_RULES = {
  'min-hold': 'min hold',
  'ai-confidence': 'prediction',
  noise: 'noise: too small a loss',
  undecided: 'no rule exits',
};

/** What holds a position now, or which rule exits it; with the minimum hold for as long as it lasts. */
export function ruleText({ ruleNow, minHoldEndsAtMs }, nowMs) {
  const isMinHold = minHoldEndsAtMs !== null && minHoldEndsAtMs > nowMs;
  const left = isMinHold ? `min hold ${duration(minHoldEndsAtMs - nowMs)} left` : '';
  if (ruleNow === null) return left;
  if (ruleNow === 'min-hold') return left || HOLD_RULES[ruleNow];
  const rule = HOLD_RULES[ruleNow] ?? `exits: ${words(ruleNow)}`;
  return left === '' ? rule : `${rule}, ${left}`;
}

/** What a prediction says, and by whom. */
export function predictionText(prediction) {
  return prediction === null ? 'none' : `${prediction.action} ${fraction(prediction.confidence, 0)}`;
}

/** What a prediction does to the exit decision now, and until when. */
export function effectText(prediction, nowMs) {
  if (prediction === null) return 'rules alone decide';
  const { effect, expiresAtMs, needsConfidence } = prediction;
  const leftMs = expiresAtMs - nowMs;
  if (effect === 'stale' || leftMs <= 0) return `expired ${duration(-leftMs)} ago`;
  if (effect === 'too-weak') return `no effect: needs over ${fraction(needsConfidence, 0)}`;
  return `${effect} it, ${duration(leftMs)} left`;
}

export function age(ms) {
  return ms < 1_000 ? `${Math.round(ms)} ms` : ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}

const clocks = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const days = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });

/** `14:05:09`, with the day where it is not today; local time. */
export function time(ms) {
  const date = new Date(ms);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? clocks.format(date) : `${days.format(date)} ${clocks.format(date)}`;
}

const minutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** For an axis whose grid lines are `stepSeconds` apart. */
export function axisTime(ms, stepSeconds) {
  const format = stepSeconds >= 86_400 ? days : stepSeconds >= 60 ? minutes : clocks;
  return format.format(new Date(ms));
}

/** `take-profit` → `take profit`. */
export function words(rule) {
  return rule === null || rule === undefined ? NONE : rule.replaceAll('-', ' ');
}

function isZero(text) {
  return /^-?[0.,]+%?$/.test(text);
}

function withMinus(text) {
  return text.replace('-', MINUS);
}
