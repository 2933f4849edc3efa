// The table of the latest rendezvous, of all hidden servers or of one.
import { get } from './api.js';
import { arrange, attempt, byId, copyOf, parts, set, showName, state } from './dom.js';
import { bytes, count, date, duration, shortId, timeOfDay } from './format.js';

const MAX_ROWS = 100;

/** The words of the access log for how a rendezvous ended: how each is shown, and what it means. */
const STATES = {
  'going on': ['on', 'ongoing', ''],
  whole: ['off', 'complete', 'Both directions ended in order.'],
  'client-broke': ['off', 'client left', 'The client’s connection was cut or reset.'],
  'server-broke': ['bad', 'server broke off', 'The tunnel was cut or reset.'],
  'stood-still': ['bad', 'stood still', 'Nothing moved for too long.'],
  revoked: ['off', 'revoked', 'The entry was deleted, or its secret was revoked.'],
  'broker-ended': ['off', 'broker stopped', 'The broker shut down first.'],
  unanswered: ['bad', 'unanswered', 'The tunnel ended before an answer.'],
};

export class Latest {
  #rows = new Map();
  #wanted;
  #body;
  #table;
  #none;

  constructor(element, wanted = () => true) {
    element.append(byId('rendezvous-table').content.cloneNode(true));
    [this.#table, this.#none] = element.children;
    this.#body = this.#table.tBodies[0];
    this.#wanted = wanted;
    setInterval(() => this.#tick(), 1000);
  }

  async load() {
    const { rendezvous } = await get('rendezvous');
    this.#rows.clear();
    this.put(rendezvous);
  }

  put(list) {
    for (const one of list.filter(this.#wanted)) {
      if (!this.#rows.has(one.number)) this.#rows.set(one.number, rowOf());
      update(this.#rows.get(one.number), one);
    }
    const newest = [...this.#rows].sort(([a], [b]) => b - a).slice(0, MAX_ROWS);
    this.#rows = new Map(newest);
    arrange(this.#body, newest.map(([, row]) => row.element));
    this.#table.hidden = !newest.length;
    this.#none.hidden = newest.length > 0;
  }

  /** Updates the duration of ongoing rendezvous each second. */
  #tick() {
    for (const row of this.#rows.values()) if (row.since) set(row.lasted, duration(performance.now() - row.since));
  }
}

function rowOf() {
  const element = copyOf('rendezvous-row');
  return { element, ...parts(element) };
}

function update(row, one) {
  row.began.dateTime = one.began;
  row.began.title = date(one.began);
  set(row.began, timeOfDay(one.began));
  row.name.href = `#/server/${one.uuid}`;
  showName(row.name, one.label ? [one.label] : [], shortId(one.uuid));
  set(row.client, one.client);
  const [kind, text, meaning] = STATES[one.state] ?? ['off', one.state, ''];
  state(row.state, kind, text);
  row.state.title = meaning;
  set(row.attempt, one.attempt > 1 ? `attempt ${count(one.attempt)}` : '');
  set(row.waited, duration(one.waitedMs));
  set(row.lasted, duration(one.lastedMs));
  set(row.in, bytes(one.octetsIn));
  set(row.out, bytes(one.octetsOut));
  row.since = one.state === 'going on' && performance.now() - one.lastedMs;
}

const all = new Latest(byId('rendezvous').querySelector('[data-rendezvous]'));

export async function show() {
  await load();
}

export const load = () => attempt(byId('rendezvous-error'), () => all.load());
export const changed = list => all.put(list);
