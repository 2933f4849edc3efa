// The view of the broker's health.
import { byId, parts, set, state } from './dom.js';
import { today } from './figures.js';
import { bytes, count, date, duration } from './format.js';

const part = parts(byId('broker'));
const WARN_DAYS = 21; // a certificate of the broker's own is renewed long before

const REASONS = {
  'hidden server': {
    400: 'malformed request',
    401: 'unknown UUID or wrong token',
    403: 'the target is not a UUID',
    407: 'no token',
    408: 'request too slow',
    409: 'data after the request',
    429: 'too many failures',
    431: 'request too long',
    503: 'broker full or shutting down, or store unreachable',
  },
  client: {
    400: 'malformed request',
    401: 'no UUID yet, so the client was challenged',
    404: 'hidden server not connected',
    408: 'request too slow',
    431: 'request too long',
    502: 'tunnel ended before an answer',
    503: 'no free tunnel',
  },
};

export function status(now) {
  state(part.state, now.state === 'ready' ? 'on' : 'bad', now.state);
  set(part.url, now.url);
  set(part.version, now.version);
  set(part.uptime, duration(Math.max(0, Date.now() - new Date(now.started))));
  set(part.started, `since ${date(now.started)}`);
  share('connections', now.connections.open, now.connections.most, count);
  share('memory', now.memory.used, now.memory.most, bytes);
  today(part, now.today);
  certificate(now.certificate);
  refusals(now.refusals);
  notices(now);
}

function share(key, used, max, format) {
  set(part[key], format(used));
  set(part[`${key}Max`], `of ${format(max)}`);
  part[`${key}Meter`].value = used / max;
}

function certificate(now) {
  set(part.days, now ? `${count(now.daysLeft)} days left` : 'none');
  part.days.classList.toggle('alert', Boolean(now) && now.daysLeft < WARN_DAYS);
  set(part.until, now ? `until ${date(now.until)}` : 'TLS is off');
  set(part.names, now?.names.join(', ') ?? '');
}

function refusals(list) {
  byId('unrefused').hidden = list.length > 0;
  byId('refusals').parentElement.hidden = !list.length;
  const lines = list.map(({ side, status: code, count: times }) =>
    [side, code, REASONS[side]?.[code] ?? '', count(times)]);
  const body = byId('refusals');
  while (body.rows.length > lines.length) body.deleteRow(-1);
  lines.forEach((line, i) => {
    const row = body.rows[i] ?? body.insertRow();
    row.setAttribute('role', 'row');
    line.forEach((text, j) => {
      const cell = row.cells[j] ?? row.insertCell();
      cell.setAttribute('role', 'cell');
      cell.dataset.label = ['Side', 'Status', 'Reason', 'Count'][j];
      cell.classList.toggle('number', j === 3);
      set(cell, text);
    });
  });
}

/** Shows warnings on every view. Unchanged ones stay untouched, so that screen readers do not repeat them. */
function notices(now) {
  const days = now.certificate?.daysLeft;
  const lines = [
    now.trouble && `The entries cannot be read, so they may be outdated: ${now.trouble}`,
    now.state === 'draining' && 'The broker is shutting down. It accepts no new connections, and ends when all transfers have finished.',
    days < 0 && 'The broker’s certificate has expired.',
    days >= 0 && days < WARN_DAYS && `The broker’s certificate expires in ${count(days)} days.`,
    now.memory.used > 0.9 * now.memory.most && 'The broker’s memory is nearly full.',
    now.connections.open > 0.9 * now.connections.most && 'The broker is close to its maximum number of connections.',
    now.publicHostIsLoopback
      && 'The broker’s public host name leads to this machine only, so other machines cannot use the files and URLs of this page.'
      + ' Set rendezvous.public-host.',
  ].filter(Boolean);
  const box = byId('notices');
  if (lines.join('\n') === [...box.children].map(line => line.textContent).join('\n')) return;
  box.replaceChildren(...lines.map(text => {
    const line = document.createElement('p');
    line.className = 'notice';
    line.textContent = text;
    return line;
  }));
}

export const show = () => {};
export const load = () => {};
