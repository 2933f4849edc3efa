// Formats numbers, sizes and times for people.

const numbers = new Intl.NumberFormat('en');
const dates = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

export const count = number => numbers.format(number);
/** Returns a date and time. An entry may contain any text instead of a time, which is shown as it is. */
export const date = time => Number.isNaN(Date.parse(time)) ? plain(String(time)) : dates.format(new Date(time));
export const timeOfDay = time => clock.format(new Date(time));

/** Returns a number of bytes in decimal units, such as "12.3 kB". */
export function bytes(number) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (number >= 999.5 && unit < units.length - 1) {
    number /= 1000;
    unit++;
  }
  return `${number < 99.95 && unit ? number.toFixed(1) : Math.round(number)} ${units[unit]}`;
}

/** Returns a duration in its two largest units, such as "2 h 5 min". */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

/** Returns how long ago a time was. */
export function ago(time) {
  const seconds = Math.floor((Date.now() - new Date(time)) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Returns the first eight digits of a UUID. */
export const shortId = uuid => uuid.slice(0, 8);

/** Replaces characters that are invisible, break lines or change the direction of text. */
export const plain = text => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');

/** Returns the name of an entry for use in a sentence: its first label, else the start of its UUID. */
export const nameOf = entry => plain(entry.labels[0] ?? shortId(entry.uuid));
