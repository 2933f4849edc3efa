// The view of one hidden server: its state, how to connect it, and its settings.
import { call, get, post, put } from './api.js';
import { listenToClientButtons, showCode } from './clients.js';
import { attempt, byId, confirm, copy, onSubmit, parts, say, set, showName, since } from './dom.js';
import { figures } from './figures.js';
import { count, date, nameOf, shortId } from './format.js';
import { Latest } from './rendezvous.js';
import { Requests } from './requests.js';

const view = byId('server');
const part = parts(view);
const edit = byId('edit');
const FLAGS = ['open', 'challenge', 'proxyProtocol'];
const OVERLAPS = [['10m', '10 minutes'], ['1h', '1 hour'], ['1d', '1 day'], ['7d', '7 days'], ['30d', '30 days'], ['0s', 'no time']];

let uuid;
let entry;
let broker; // its latest status
let created; // the UUID of the entry that was just created, whose next steps are scrolled into view
const requests = new Requests(byId('requests'), () => attempt(byId('server-error'), loadRequests));
const latest = new Latest(view.querySelector('[data-rendezvous]'), one => one.uuid === uuid);

export async function show(id) {
  uuid = id;
  entry = null;
  edit.classList.remove('changed');
  byId('one').hidden = true;
  await load();
  if (entry && created === uuid) {
    const connect = byId('connect');
    connect.focus({ preventScroll: true });
    if (connect.getBoundingClientRect().top > innerHeight / 2) connect.scrollIntoView();
  }
  created = null;
  return entry ? nameOf(entry) : 'Unknown entry';
}

export async function load() {
  const mine = uuid;
  await attempt(byId('server-error'), async () => {
    try {
      const now = await get(`entries/${encodeURIComponent(mine)}`);
      if (mine !== uuid) return;
      update(now);
      await latest.load();
      await loadRequests();
    } catch (e) {
      if (e.status === 404) {
        byId('one').hidden = true;
        e.message = 'There is no such entry. It may have been deleted.';
      }
      throw e;
    }
  });
}

export function changed(entries) {
  const now = entries.find(one => one.uuid === uuid);
  if (now && entry) update(now);
}

async function loadRequests() {
  const mine = uuid;
  const query = requests.filter && `?status=${requests.filter}`;
  const now = await get(`entries/${encodeURIComponent(mine)}/requests${query}`);
  if (mine !== uuid) return;
  requests.put(now.requests);
  byId('unrecorded').hidden = now.recorded;
}

/** Loads the requests again if there were some of this hidden server. */
export function requestsChanged(ids) {
  if (entry && ids.includes(uuid) && !byId('server').hidden) attempt(byId('server-error'), loadRequests);
}

export const rendezvousChanged = list => latest.put(list);

export function status(now) {
  byId('loopback').hidden = !now.publicHostIsLoopback;
  broker = now;
  if (entry) commands();
}

/** Shows the commands of clients. They need the broker's own authority, if that issued its certificate. */
function commands() {
  const isNamed = !entry.url.includes('@');
  const own = broker?.ownAuthority;
  const user = isNamed ? '' : ` --digest --user ${uuid}${entry.hasPassword ? '' : ':x'}`;
  set(part.curl, `curl${user}${own ? ` --cacert ${own}` : ''} ${entry.url.replace(/\/\/[^/]*@/, '//')}`);
  set(part.check, `java -jar rendezvous.jar agent check --as-client --broker ${broker?.url.replace(/^https?:\/\//, '') ?? ''} --id ${uuid}${own ? ` --ca ${own}` : ''}`);
  set(part.access, entry.hasPassword ? 'Anyone who knows the UUID and the password can connect.'
    : isNamed ? 'Anyone who guesses the host name can connect.' : 'Anyone who knows the UUID can connect.');
  byId('authority').hidden = !own;
  set(part.authority, own ?? '');
}

function update(now) {
  entry = now;
  byId('one').hidden = false;
  showName(byId('server-title'), entry.labels, shortId(uuid));
  figures(part, entry);
  for (const key of ['uuid', 'url']) set(part[key], entry[key]);
  since(part.end, entry.lastEnd?.time, entry.lastEnd && `last tunnel ended: ${entry.lastEnd.why}, `);
  if (!entry.lastEnd) set(part.end, '');
  const refusal = entry.lastRefusal;
  byId('refused').hidden = !refusal;
  if (refusal) {
    set(part.refusal, `${refusal.status} ${refusal.reason}`);
    since(part.refused, refusal.time, `from ${refusal.source}, `);
  }
  set(part.created, entry.created ? `created ${date(entry.created)}` : '');
  byId('chart').hidden = !entry.lastSeen; // a new one begins with how to connect it
  set(part.max, `up to ${count(Math.max(...entry.hour))} per minute`);
  set(part.agent, `java -jar rendezvous.jar agent --entry ${uuid}.provisioning.json --to http://127.0.0.1:8080`);
  commands();
  set(part.digits, entry.digits);
  set(part.password, entry.hasPassword ? 'Clients have to send a password.' : 'Clients need no password.');
  byId('remove-password').hidden = !entry.hasPassword;
  const previous = entry.previousUntil && new Date(entry.previousUntil) > new Date();
  set(part.previous, previous ? `The previous secret is valid until ${date(entry.previousUntil)}.` : '');
  if (!edit.classList.contains('changed')) {
    edit.elements.labels.value = entry.labels.join(', ');
    for (const flag of FLAGS) edit.elements[flag].checked = entry[flag];
    edit.elements.relay.value = entry.relay ?? '';
  }
}

// Split at commas only: a name with a blank is refused in words, rather than taken for two labels.
const labelsOf = input => input.value.split(',').map(label => label.trim()).filter(Boolean);
const optionsOf = form => ({
  ...Object.fromEntries(FLAGS.map(flag => [flag, form.elements[flag].checked])),
  relay: form.elements.relay.value || null,
});

/** Returns an element with the entry's name, for use in a sentence. */
function nameElement() {
  const element = document.createElement('strong');
  showName(element, entry.labels, uuid);
  return element;
}

edit.addEventListener('input', () => edit.classList.add('changed'));

/** Returns whether there are changes that were not saved. */
export const isEdited = () => !byId('one').hidden && edit.classList.contains('changed');

/** Asks whether to discard the changes that were not saved. */
export function confirmDiscard(then) {
  const text = document.createElement('p');
  text.append('The changes of ', nameElement(), ' were not saved.');
  confirm('Discard the changes', [text], 'Discard', true, () => {
    edit.classList.remove('changed');
    then();
  });
}

onSubmit(edit, async () => {
  const now = await put(`entries/${uuid}`, { labels: labelsOf(edit.elements.labels), ...optionsOf(edit) });
  edit.classList.remove('changed');
  update(now);
  say('Saved.');
});

byId('rotate').addEventListener('click', () => {
  const label = document.createElement('label');
  const select = document.createElement('select');
  select.append(...OVERLAPS.map(([value, text]) => new Option(text, value)));
  select.value = '1h';
  label.append('The old secret stays valid for ', select);
  const text = document.createElement('p');
  text.append('Copy the new provisioning file to ', nameElement(), ' within this time. No tunnel is closed.');
  confirm('Rotate the secret', [label, text], 'Rotate', false, async () => {
    update(await post(`entries/${uuid}/rotate`, { overlap: select.value }));
    say('Rotated. Copy the new provisioning file to the hidden server.');
  });
});

byId('revoke').addEventListener('click', () => {
  const text = document.createElement('p');
  text.append('The secret of ', nameElement(), ' becomes invalid at once, and its tunnels, parked and active, are closed within 2 s.'
    + ' To connect again, the hidden server needs its new provisioning file.');
  confirm('Revoke the secret', [text], 'Revoke', true, async () => {
    update(await post(`entries/${uuid}/revoke`));
    say('Revoked. Copy the new provisioning file to the hidden server.');
  });
});

byId('delete').addEventListener('click', () => {
  const text = document.createElement('p');
  const code = document.createElement('code');
  code.textContent = uuid;
  text.append('This deletes the entry ', nameElement(), ' (', code, '). Its tunnels, parked and active, are closed within 2 s. This cannot be undone.');
  confirm('Delete the entry', [text], 'Delete', true, async () => {
    await call('DELETE', `entries/${uuid}`);
    edit.classList.remove('changed');
    say(`Deleted ${nameOf(entry)}.`);
    location.hash = '#/servers';
  });
});

listenToClientButtons({ uuid: () => uuid, entry: () => entry, name: nameElement, update });

for (const button of view.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', () => copy(part[button.dataset.copy].textContent, part[button.dataset.copy]));
}

for (const button of view.querySelectorAll('[data-file]')) {
  button.addEventListener('click', () => attempt(byId('connect-error'), async () => {
    const kind = button.dataset.file;
    const file = await (await call('POST', `entries/${uuid}/${kind}`)).blob();
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `${uuid}.${kind === 'provisioning.js' ? 'js' : kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }));
}

for (const button of view.querySelectorAll('[data-qr]')) {
  button.addEventListener('click', () => attempt(byId('connect-error'), async () => {
    const secret = button.dataset.qr === 'qr.svg';
    const picture = await (await call(secret ? 'POST' : 'GET', `entries/${uuid}/${button.dataset.qr}`)).blob();
    showCode({
      title: secret ? 'Secret for an authenticator app' : 'Client URL',
      hint: secret ? 'Anyone who sees this can pose as the hidden server.' : 'Anyone who sees this can connect as a client.',
      picture,
      alt: `QR code: ${secret ? 'secret' : 'client URL'} of ${nameOf(entry)}`,
    });
  }));
}

const dialog = byId('create');
const form = dialog.querySelector('form');

export function create() {
  form.reset();
  form.querySelector('.error').textContent = '';
  dialog.showModal();
}

onSubmit(form, async () => {
  const id = form.elements.uuid.value.trim();
  const made = await post('entries', {
    ...(id && { uuid: id }),
    labels: labelsOf(form.elements.labels),
    digits: form.elements.digits.valueAsNumber,
    ...optionsOf(form),
  });
  dialog.close();
  created = made.uuid;
  say('Created. Next, connect the hidden server.');
  location.hash = `#/server/${made.uuid}`;
});
