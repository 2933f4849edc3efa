// The latest rendezvous, of all hidden servers or of one.
import { get } from './api.js';
import { arrange, attempt, byId, copyOf, name, parts, set, state } from './dom.js';
import { count, date, duration, octets, shortly, timeOfDay } from './format.js';

const MOST = 100;
const STATES = { 'going on': 'on', over: 'off', unanswered: 'bad' };

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
    const newest = [...this.#rows].sort(([a], [b]) => b - a).slice(0, MOST);
    this.#rows = new Map(newest);
    arrange(this.#body, newest.map(([, row]) => row.element));
    this.#table.hidden = !newest.length;
    this.#none.hidden = newest.length > 0;
  }

  /** What goes on lasts longer each second, though the broker has nothing new to say of it. */
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
  name(row.name, one.label ? [one.label] : [], shortly(one.uuid));
  set(row.client, one.client);
  state(row.state, STATES[one.state] ?? 'off', one.state);
  set(row.attempt, one.attempt > 1 ? `at tunnel ${count(one.attempt)}` : '');
  set(row.waited, duration(one.waitedMs));
  set(row.lasted, duration(one.lastedMs));
  set(row.in, octets(one.octetsIn));
  set(row.out, octets(one.octetsOut));
  row.since = one.state === 'going on' && performance.now() - one.lastedMs;
}

const all = new Latest(byId('rendezvous').querySelector('[data-rendezvous]'));

export async function show() {
  await load();
}

export const load = () => attempt(byId('rendezvous-error'), () => all.load());
export const met = list => all.put(list);
