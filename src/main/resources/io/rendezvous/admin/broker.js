// The broker's health.
import { byId, parts, set, state } from './dom.js';
import { today } from './figures.js';
import { count, date, duration, octets } from './format.js';

const part = parts(byId('broker'));
const SOON = 21; // days: a certificate is renewed by itself long before

const REASONS = {
  'hidden server': {
    400: 'the request is malformed',
    401: 'unknown UUID or wrong token',
    403: 'the target is no UUID',
    407: 'there is no token',
    408: 'the request is too slow',
    409: 'something follows the request',
    429: 'too many failures',
    431: 'the request is too long',
    503: 'the broker is full or closing down, or its store is away',
  },
  client: {
    400: 'the request is malformed',
    401: 'not yet identified',
    404: 'the UUID is not connected',
    408: 'the request is too slow',
    431: 'the request is too long',
    502: 'the tunnel ended before an answer',
    503: 'no tunnel was free',
  },
};

export function status(now) {
  state(part.state, now.state === 'ready' ? 'on' : 'bad', now.state);
  set(part.url, now.url);
  set(part.version, now.version);
  set(part.uptime, duration(Math.max(0, Date.now() - new Date(now.started))));
  set(part.started, `since ${date(now.started)}`);
  share('connections', now.connections.open, now.connections.most, count);
  share('memory', now.memory.used, now.memory.most, octets);
  today(part, now.today);
  certificate(now.certificate);
  refusals(now.refusals);
  notices(now);
}

function share(key, used, most, format) {
  set(part[key], format(used));
  set(part[`${key}Most`], `of ${format(most)}`);
  part[`${key}Meter`].value = used / most;
}

function certificate(now) {
  set(part.days, now ? `${count(now.daysLeft)} days left` : 'none');
  part.days.classList.toggle('alert', Boolean(now) && now.daysLeft < SOON);
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
      cell.dataset.label = ['Whom', 'Status', 'Reason', 'How often'][j];
      cell.classList.toggle('number', j === 3);
      set(cell, text);
    });
  });
}

/** What wants doing, on every view. Only what changes is touched, so that nothing is read out twice. */
function notices(now) {
  const days = now.certificate?.daysLeft;
  const lines = [
    now.trouble && `The entries cannot be looked at: ${now.trouble}`,
    now.state === 'draining' && 'The broker is closing down: it takes nobody in, and ends when the transfers have.',
    days < 0 && 'The broker’s certificate has expired.',
    days >= 0 && days < SOON && `The broker’s certificate ends in ${count(days)} days.`,
    now.memory.used > 0.9 * now.memory.most && 'The broker’s memory is nearly full.',
    now.connections.open > 0.9 * now.connections.most && 'The broker has nearly as many connections as it can take.',
    now.publicHostIsLoopback
      && 'The broker’s public host is a name of this machine only: others cannot use files and URLs made here. Set rendezvous.public-host.',
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
