// The table of the latest requests, for the admin page and for the status page of an agent.
import { arrange, set, state } from './elements.js';
import { bytes, date, duration, plain, timeOfDay } from './format.js';

const CLASSES = [['', 'All'], ['2xx', '2xx success'], ['3xx', '3xx redirect'], ['4xx', '4xx client error'],
  ['5xx', '5xx server error'], ['none', 'No status']];

/** The words of the access log for how a request ended: how each is shown, and what it means. */
const STATES = {
  'going on': ['ongoing', ''],
  whole: ['', ''],
  upgraded: ['upgraded', 'Both ends switched to another protocol, such as WebSocket.'],
  'client-broke': ['client left', 'The client’s connection was cut or reset.'],
  'server-broke': ['server broke off', 'The server’s connection was cut or reset.'],
  'stood-still': ['stood still', 'Nothing moved for too long.'],
  'cut-off': ['cut off', 'The program stopped, or the entry was deleted or revoked.'],
  unanswered: ['unanswered', 'There was no response, so the client was sent an error.'],
};

const COLUMNS = ['Started', 'Request', 'Status', 'First byte', 'Lasted', 'In', 'Out'];
const NUMBERS = ['First byte', 'Lasted', 'In', 'Out'];

function create(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export class Requests {
  #rows = new Map();
  #body = create('tbody', { role: 'rowgroup' });
  #table;
  #none = create('p', { class: 'hint' });
  #filter = create('select');
  #more;

  /**
   * Shows a table in an element.
   * @param load fetches the requests, with the chosen class of statuses, and calls `put`
   * @param more returns further content for a row, given a request, or undefined
   */
  constructor(element, load, more = undefined) {
    this.#more = more;
    const heads = [...COLUMNS, ...more ? ['More'] : []].map(name => create('th',
      { role: 'columnheader', scope: 'col', class: NUMBERS.includes(name) ? 'number' : '' }, name));
    this.#table = create('table', { role: 'table', class: 'card requests' },
      create('caption', { class: 'unseen' }, 'Requests, newest first'),
      create('thead', { role: 'rowgroup' }, create('tr', { role: 'row' }, ...heads)),
      this.#body);
    this.#filter.append(...CLASSES.map(([value, text]) => new Option(text, value)));
    this.#filter.addEventListener('change', load);
    element.append(create('p', { class: 'line' }, create('label', {}, 'Status ', this.#filter)), this.#table, this.#none);
  }

  /** Returns the class of statuses that is shown, such as "5xx". It is empty for all. */
  get filter() {
    return this.#filter.value;
  }

  /** Shows requests in place of those that were shown before, the newest first. */
  put(list) {
    const shown = list.filter(request => this.#isWanted(request));
    const rows = new Map();
    for (const request of shown) {
      const row = this.#rows.get(request.number) ?? this.#rowOf(request);
      update(row, request);
      rows.set(request.number, row);
    }
    this.#rows = rows;
    arrange(this.#body, [...rows.values()].map(row => row.element));
    this.#table.hidden = !shown.length;
    this.#none.hidden = shown.length > 0;
    set(this.#none, this.filter ? 'None with such a status.' : 'None yet.');
  }

  #isWanted({ status }) {
    if (!this.filter) return true;
    return this.filter === 'none' ? status === null : status !== null && `${Math.floor(status / 100)}xx` === this.filter;
  }

  #rowOf(request) {
    const row = {};
    const cell = (name, ...children) => create('td',
      { role: 'cell', 'data-label': name, class: NUMBERS.includes(name) ? 'number' : '' }, ...children);
    row.began = create('time');
    row.request = create('bdi');
    row.note = create('small');
    row.status = create('span', { class: 'state' });
    row.state = create('small');
    [row.answered, row.lasted, row.in, row.out] = NUMBERS.map(name => cell(name));
    row.more = this.#more && cell('More', this.#more(request));
    row.element = create('tr', { role: 'row' },
      cell('Started', row.began),
      create('th', { role: 'rowheader', scope: 'row' }, create('code', {}, row.request), ' ', row.note),
      create('td', { role: 'cell' }, row.status, ' ', row.state),
      row.answered, row.lasted, row.in, row.out, ...row.more ? [row.more] : []);
    return row;
  }
}

function update(row, request) {
  row.began.dateTime = request.began;
  row.began.title = date(request.began);
  set(row.began, timeOfDay(request.began));
  set(row.request, plain(`${request.method} ${request.path}`));
  set(row.note, [request.first ? 'first of its connection' : '', request.replayOf ? 'replay' : '',
    plain(request.entry ?? ''), request.client ?? ''].filter(Boolean).join(', '));
  const { status } = request;
  const good = status !== null && status < 400;
  state(row.status, status === null ? 'off' : good ? 'on' : 'bad', status ?? 'no status');
  const [text, meaning] = STATES[request.state] ?? [request.state, ''];
  set(row.state, text);
  row.state.title = meaning;
  set(row.answered, request.answeredMs === null ? '–' : duration(request.answeredMs));
  set(row.lasted, request.state === 'going on' ? '–' : duration(request.lastedMs));
  set(row.in, bytes(request.octetsIn));
  set(row.out, bytes(request.octetsOut));
  row.element.dataset.state = request.state;
  for (const button of row.element.querySelectorAll('[data-replay]')) button.disabled = !request.replayable;
}
