// What several views show of a hidden server, or of all of them.
import { set, since, state } from './dom.js';
import { count, octets } from './format.js';

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
  set(part.in, octets(octetsIn));
  set(part.out, octets(octetsOut));
}

/** One bar for each minute. A lone rendezvous is a low bar, not a full one. */
function bars(svg, hour) {
  const most = Math.max(4, ...hour);
  const width = 120 / hour.length;
  const path = hour
    .map((n, i) => n && `M${i * width} 24v${-24 * n / most}h${width * 0.8}v${24 * n / most}z`)
    .filter(Boolean)
    .join('');
  const total = hour.reduce((sum, n) => sum + n, 0);
  svg.firstElementChild.setAttribute('d', path);
  svg.setAttribute('aria-label', `${count(total)} rendezvous in the last hour`);
}
