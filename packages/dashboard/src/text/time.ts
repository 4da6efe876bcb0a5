const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span of milliseconds in its largest unit: `3 s`, `12 min`, `5 h`, `9 days`. */
export function spanWords(milliseconds: number): string {
  const span = Math.max(0, milliseconds);
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)} h`;
  return `${Math.floor(span / DAY)} days`;
}

export const ageWords = (milliseconds: number): string => `${spanWords(milliseconds)} ago`;

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** Local time with its zone, and the UTC time that the verifier wrote. */
export const absoluteWords = (rfc3339: string): string => `${absolute.format(new Date(rfc3339))} (${rfc3339})`;

const hourMinute = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const dayHourMinute = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: 'numeric',
  minute: '2-digit',
});

/** `14:02`, with the day when that is not today. */
export function shortWords(rfc3339: string, now: number): string {
  const date = new Date(rfc3339);
  const today = date.toDateString() === new Date(now).toDateString();
  return (today ? hourMinute : dayHourMinute).format(date);
}

export const clockWords = (milliseconds: number): string => clock.format(new Date(milliseconds));

/** In the unit in which quarters of it differ. */
export const secondsWords = (seconds: number): string =>
  seconds >= 600 ? `${Number((seconds / 60).toFixed(1))} min` : `${Number(seconds.toFixed(seconds < 10 ? 2 : 0))} s`;
