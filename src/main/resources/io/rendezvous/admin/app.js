// Shows the view that the address names, and passes the broker's events on to the views.
import { get, listen } from './api.js';
import { byId, say, set, state } from './dom.js';
import { plain, timeOfDay } from './format.js';
import * as broker from './broker.js';
import * as rendezvous from './rendezvous.js';
import * as server from './server.js';
import * as servers from './servers.js';
import { isLoggedOut, logOut, open, useLink } from './session.js';

const VIEWS = { servers, server, rendezvous, broker };
let current;
let place;
let scrolled = 0;

async function route() {
  const [path, query] = location.hash.replace(/^#\//, '').split('?');
  const [name, id] = path.split('/');
  const from = current;
  const moved = place !== undefined && path !== place;
  if (moved && from === 'servers') scrolled = scrollY;
  current = name in VIEWS ? name : 'servers';
  place = path;
  for (const key of Object.keys(VIEWS)) byId(key).hidden = key !== current;
  for (const link of document.querySelectorAll('header nav a')) {
    const parent = current === 'server' ? '#/servers' : `#/${current}`;
    if (link.hash.split('?')[0] === parent) link.ariaCurrent = 'page';
    else link.removeAttribute('aria-current');
  }
  if (current === 'servers') byId('back').href = location.hash || '#/servers';
  if (moved) scrollTo(0, current === 'servers' ? scrolled : 0);
  const view = byId(current);
  const title = await VIEWS[current].show(id, new URLSearchParams(query)) ?? view.querySelector('h1').textContent;
  if (path !== place) return;
  document.title = `${plain(title)} – Rendezvous`;
  // Moving the focus to the heading makes screen readers announce the new view.
  if (moved && !view.contains(document.activeElement)) view.querySelector('h1').focus({ preventScroll: true });
}

const reload = () => document.hidden || isLoggedOut() || VIEWS[current].load();

const on = {
  status(now) {
    for (const view of [broker, servers, server]) view.status(now);
  },
  entries(list) {
    servers.changed(list);
    server.changed(list);
  },
  rendezvous(list) {
    rendezvous.changed(list);
    server.rendezvousChanged(list);
  },
  requests: server.requestsChanged,
  refresh: reload,
  connected(first) {
    state(byId('live'), 'on', 'live');
    document.body.classList.remove('stale');
    set(byId('stale'), '');
    if (!first) reload(); // events in between are lost
  },
  lost(last) {
    state(byId('live'), 'bad', 'not live');
    document.body.classList.add('stale');
    set(byId('stale'), `The broker has not responded since ${timeOfDay(last)}. This page shows the data of that time. Reconnecting…`);
  },
};

/** Handles a new address: that of another view, or a link that logs in. */
async function onAddress({ oldURL, newURL }) {
  const { hash } = new URL(newURL);
  if (hash.startsWith('#token=')) {
    const failure = await useLink();
    history.replaceState(null, '', oldURL);
    if (failure) say(failure);
    else open();
  } else if (server.isEdited()) {
    history.pushState(null, '', oldURL);
    server.confirmDiscard(() => { location.hash = hash; });
  } else {
    route();
  }
}

async function start() {
  addEventListener('hashchange', onAddress);
  const failure = await useLink();
  await get('status').catch(() => {}); // returns once somebody is logged in
  open();
  if (failure) say(failure);
  history.scrollRestoration = 'manual';
  setInterval(reload, 60_000); // also moves on the last hour of idle hidden servers
  listen(on);
  route();
}

for (const id of ['new', 'first']) byId(id).addEventListener('click', server.create);
byId('skip').addEventListener('click', event => {
  event.preventDefault();
  byId('main').focus();
});
byId('logout').addEventListener('click', logOut);
addEventListener('beforeunload', event => server.isEdited() && event.preventDefault());
start();
