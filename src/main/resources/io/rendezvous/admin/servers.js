// The view of all hidden servers.
import { get } from './api.js';
import { arrange, attempt, byId, copy, copyOf, parts, set, showName, since } from './dom.js';
import { figures, today } from './figures.js';
import { count, nameOf, shortId } from './format.js';

const SIZE = 50;
const DEFAULTS = { search: '', sort: 'label', order: 'asc', page: '1' };

const rows = new Map();
const view = byId('servers');
const table = byId('entries');
const summary = parts(byId('summary'));
let wanted = DEFAULTS;
let pages = 1;
let asked = 0;
let typing = null;

/** Returns the address of this view. Settings other than the defaults are a part of it, so that reload and back keep them. */
function address(changes) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...wanted, ...changes })) {
    if (String(value) !== DEFAULTS[key]) query.set(key, value);
  }
  return `#/servers${query.size ? '?' : ''}${query}`;
}

export async function show(id, query) {
  const page = wanted.page;
  wanted = { ...DEFAULTS };
  for (const [key, value] of query) if (key in DEFAULTS) wanted[key] = value;
  if (!typing) byId('search').value = wanted.search;
  byId('sort').value = wanted.sort;
  byId('order').value = wanted.order;
  for (const header of table.querySelectorAll('[data-sort]')) {
    if (header.dataset.sort !== wanted.sort) header.removeAttribute('aria-sort');
    else header.ariaSort = wanted.order === 'asc' ? 'ascending' : 'descending';
  }
  await load();
  const listed = byId('listed');
  if (page !== wanted.page && listed.getBoundingClientRect().top < 0) listed.scrollIntoView();
}

export async function load() {
  const mine = ++asked;
  table.ariaBusy = 'true';
  await attempt(byId('servers-error'), async () => {
    const list = await get(`entries?${new URLSearchParams({ ...wanted, size: SIZE })}`);
    if (mine !== asked) return; // a later request is under way
    if (!list.entries.length && list.total) location.replace(address({ page: Math.ceil(list.total / SIZE) }));
    else fill(list);
  });
  if (mine === asked) table.ariaBusy = 'false';
}

function fill({ entries, total, page }) {
  const kept = new Map(rows);
  rows.clear();
  for (const entry of entries) {
    const row = kept.get(entry.uuid) ?? rowOf(entry.uuid);
    rows.set(entry.uuid, row);
    update(row, entry);
  }
  arrange(table.tBodies[0], [...rows.values()].map(row => row.element));

  pages = Math.max(1, Math.ceil(total / SIZE));
  const first = (page - 1) * SIZE + 1;
  set(byId('range'), total
    ? `${count(first)} to ${count(first + entries.length - 1)} of ${count(total)}`
    : `No hidden server has “${wanted.search}” in its labels or UUID.`);
  set(byId('pages'), `of ${count(pages)}`);
  byId('page').max = pages;
  byId('page').value = page;
  turn(byId('previous'), page > 1 && page - 1);
  turn(byId('next'), page < pages && page + 1);
  byId('pager').classList.toggle('single', pages === 1);
  table.hidden = !total;
  const none = !total && !wanted.search;
  byId('nothing').hidden = !none;
  byId('listed').hidden = none;
}

function turn(link, page) {
  if (page) link.href = address({ page });
  else link.removeAttribute('href');
}

function rowOf(uuid) {
  const element = copyOf('entry-row');
  const row = { element, ...parts(element) };
  row.name.href = `#/server/${uuid}`;
  set(row.short, shortId(uuid));
  row.short.title = uuid;
  row.copy.addEventListener('click', () => copy(uuid, row.short));
  return row;
}

function update(row, entry) {
  showName(row.name, entry.labels, shortId(entry.uuid));
  row.copy.ariaLabel = `Copy the UUID of ${nameOf(entry)}`;
  figures(row, entry);
  row.element.classList.toggle('idle', !entry.online);
  row.waiting.classList.toggle('alert', entry.waiting > 0);
  since(row.why, entry.lastEnd?.time, entry.lastEnd && `${entry.lastEnd.why}, `);
  if (!entry.lastEnd) set(row.why, '');
}

export function changed(entries) {
  for (const entry of entries) {
    const row = rows.get(entry.uuid);
    if (row) update(row, entry);
  }
}

export function status(now) {
  for (const key of ['online', 'parked', 'active', 'waiting']) set(summary[key], count(now[key]));
  set(summary.entries, `of ${count(now.entries)}`);
  today(summary, now.today);
}

// Replaces the address, so that typing does not add a step to the history for each letter.
byId('search').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    typing = null;
    location.replace(address({ search: byId('search').value.trim(), page: 1 }));
  }, 150);
});
byId('find').addEventListener('submit', event => event.preventDefault());
byId('sort').addEventListener('change', () => { location.hash = address({ sort: byId('sort').value, page: 1 }); });
byId('order').addEventListener('change', () => { location.hash = address({ order: byId('order').value, page: 1 }); });
byId('page').addEventListener('change', () => {
  location.hash = address({ page: Math.min(Math.max(1, byId('page').valueAsNumber || 1), pages) });
});
for (const header of table.querySelectorAll('[data-sort]')) {
  header.firstElementChild.addEventListener('click', () => {
    const sort = header.dataset.sort;
    // Numbers and times are sorted in descending order first.
    const order = sort === wanted.sort ? (wanted.order === 'asc' ? 'desc' : 'asc') : (sort === 'label' ? 'asc' : 'desc');
    location.hash = address({ sort, order, page: 1 });
  });
}
document.addEventListener('keydown', event => {
  const busy = event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog');
  if (event.key !== '/' || busy || view.hidden) return;
  event.preventDefault();
  byId('search').select();
});
