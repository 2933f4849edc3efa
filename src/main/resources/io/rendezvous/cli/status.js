// The status page of an agent: its hidden servers, and their latest requests.
import { arrange, byId, copyOf, parts, set, state } from './elements.js';
import { bytes, count, date, plain } from './format.js';
import { Requests } from './requests.js';

const servers = new Map();
const requests = new Requests(byId('requests'), load, actions);

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(5000) });
  if (!response.ok && response.status !== 503) throw new Error(response.status);
  return response.json();
}

async function load() {
  try {
    const [health, latest] = await Promise.all([get('/health'), get('/requests')]);
    showServers(health.entries);
    requests.put(latest.requests);
    state(byId('live'), 'on', 'live');
  } catch {
    state(byId('live'), 'bad', 'not live');
  }
}

function showServers(entries) {
  for (const name of servers.keys()) if (!(name in entries)) servers.delete(name);
  for (const [name, entry] of Object.entries(entries)) {
    if (!servers.has(name)) {
      const element = copyOf('server-card');
      servers.set(name, { element, ...parts(element) });
    }
    update(servers.get(name), name, entry);
  }
  arrange(byId('servers'), [...servers.values()].map(card => card.element));
}

function update(card, name, entry) {
  set(card.name, plain(name));
  state(card.state, entry.online ? 'on' : 'bad', entry.online ? 'online' : 'offline');
  set(card.parked, count(entry.parked));
  set(card.wanted, `of ${count(entry.wanted)}`);
  set(card.active, count(entry.active));
  set(card.requests, count(entry.requests));
  set(card.in, bytes(entry.octetsIn));
  set(card.out, bytes(entry.octetsOut));
  card.trouble.hidden = !entry.lastTrouble;
  set(card.trouble, entry.lastTrouble ? `Last trouble: ${plain(entry.lastTrouble)} (${date(entry.lastTroubleTime)})` : '');
}

/** Returns the buttons of a request. */
function actions({ number }) {
  const all = document.createElement('span');
  all.className = 'line';
  all.append(button('Headers', () => showHeads(number)), button('Replay', () => replay(number)));
  all.lastChild.dataset.replay = '';
  all.lastChild.title = 'Sends the request to the local server again';
  return all;
}

function button(text, action) {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'quiet';
  made.textContent = text;
  made.addEventListener('click', action);
  return made;
}

async function showHeads(number) {
  byId('error').textContent = '';
  const response = await fetch(`/requests/${number}`).catch(() => null);
  if (!response?.ok) {
    byId('error').textContent = 'The headers are no longer kept.';
    return;
  }
  const heads = await response.json();
  set(byId('request-head'), heads.request.map(plain).join('\n'));
  set(byId('response-head'), heads.answer.map(plain).join('\n') || 'There was none.');
  byId('heads').showModal();
}

const FAILURES = { 404: 'The request is no longer kept.', 409: 'The request was not kept whole.', 429: 'Too many replays are under way.' };

async function replay(number) {
  byId('error').textContent = '';
  const response = await fetch(`/requests/${number}/replay`, { method: 'POST' }).catch(() => null);
  if (!response?.ok) byId('error').textContent = FAILURES[response?.status] ?? 'The request could not be sent.';
  load();
}

byId('close').addEventListener('click', () => byId('heads').close());
load();
setInterval(() => document.hidden || load(), 1000);
document.addEventListener('visibilitychange', () => document.hidden || load());
