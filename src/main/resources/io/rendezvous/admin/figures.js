// Figures that several views show, of one hidden server or of all.
import { set, since, state } from './dom.js';
import { bytes, count } from './format.js';

export function figures(part, entry) {
  state(part.state, entry.online ? 'on' : 'off', entry.online ? 'online' : 'offline');
  for (const key of ['parked', 'active', 'waiting']) set(part[key], count(entry[key]));
  today(part, entry.today);
  since(part.seen, entry.online ? null : entry.lastSeen);
  if (entry.online || !entry.lastSeen) set(part.seen, entry.online ? 'now' : 'never');
  bars(part.hour, entry.hour);
}

export function today(part, { rendezvous, octetsIn, octetsOut }) {
  set(part.rendezvous, count(rendezvous));
  set(part.in, bytes(octetsIn));
  set(part.out, bytes(octetsOut));
}

/** Draws one bar for each minute. The scale has at least four steps, so that one rendezvous is a low bar. */
function bars(svg, hour) {
  const max = Math.max(4, ...hour);
  const width = 120 / hour.length;
  const path = hour
    .map((n, i) => n && `M${i * width} 24v${-24 * n / max}h${width * 0.8}v${24 * n / max}z`)
    .filter(Boolean)
    .join('');
  const total = hour.reduce((sum, n) => sum + n, 0);
  svg.firstElementChild.setAttribute('d', path);
  svg.setAttribute('aria-label', `${count(total)} rendezvous in the last hour`);
}
