// The broker's API, and what it sends by itself.

/** What went wrong, in words for people. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function call(method, path, body) {
  const signal = AbortSignal.timeout(30_000);
  let response;
  try {
    response = await fetch(`/api/${path}`, method === 'GET' || method === 'DELETE' ? { method, signal } : {
      method,
      signal,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    });
  } catch {
    throw new Problem(0, 'The broker cannot be reached.');
  }
  if (response.status === 401) {
    location.reload(); // the session is over: the broker shows the login instead
    return new Promise(() => {});
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Problem(response.status,
      problem.detail ?? `The broker answered ${response.status} ${problem.title ?? response.statusText}.`);
  }
  return response;
}

export const get = async path => (await call('GET', path)).json();
export const post = async (path, body) => (await call('POST', path, body)).json();
export const put = async (path, body) => (await call('PUT', path, body)).json();

const SILENT = 6_000; // three missed statuses
const DEAD = 15_000;

/**
 * Listens to the broker. `on` has a function for each kind of event; `heard` is called when events come
 * again, and `lost` with the time of the last one when they don't.
 */
export function listen(on) {
  let source;
  let last = Date.now();
  let tried = last;
  let fresh = null;

  function open() {
    source?.close();
    tried = Date.now();
    source = new EventSource('/api/events');
    source.onerror = () => lose();
    for (const kind of ['status', 'entries', 'refresh', 'rendezvous']) {
      source.addEventListener(kind, event => {
        if (kind === 'status') hear();
        on[kind](JSON.parse(event.data));
      });
    }
  }

  function hear() {
    last = Date.now();
    if (fresh === true) return;
    const first = fresh === null;
    fresh = true;
    on.heard(first);
  }

  function lose() {
    if (fresh === false) return;
    fresh = false;
    on.lost(last);
  }

  async function watch() {
    if (document.hidden) return;
    const now = Date.now();
    if (now - Math.max(last, tried) > SILENT) lose();
    const ended = source.readyState === EventSource.CLOSED && now - tried > 3000;
    if (ended || now - Math.max(last, tried) > DEAD) {
      tried = now;
      // A session that is over ends here, since EventSource tells no status.
      if (await call('GET', 'status').catch(() => null)) open();
    }
  }

  // A browser has six connections to one host: tabs that nobody looks at leave them to the others.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) source.close();
    else {
      fresh = undefined;
      open();
    }
  });
  open();
  setInterval(watch, 1000);
}
