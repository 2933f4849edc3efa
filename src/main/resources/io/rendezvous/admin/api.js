// Calls the broker's API and listens to its events.

/** An error whose message is shown to people. */
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
    location.reload(); // the session has ended, so the broker shows the login
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

const MAX_SILENCE = 6_000; // ms; three statuses have not arrived
const RECONNECT_AFTER = 15_000; // ms

/**
 * Listens to the broker's events. `on` has a function for each kind of event. Besides, `on.connected` is called
 * when events begin to arrive, and `on.lost` with the time of the last one when they no longer do.
 */
export function listen(on) {
  let source;
  let last = Date.now();
  let tried = last;
  let connected = null; // null before the first event, undefined when the tab is shown again

  function open() {
    source?.close();
    tried = Date.now();
    source = new EventSource('/api/events');
    source.onerror = () => onSilence();
    for (const kind of ['status', 'entries', 'refresh', 'rendezvous']) {
      source.addEventListener(kind, event => {
        if (kind === 'status') onStatus();
        on[kind](JSON.parse(event.data));
      });
    }
  }

  function onStatus() {
    last = Date.now();
    if (connected === true) return;
    const first = connected === null;
    connected = true;
    on.connected(first);
  }

  function onSilence() {
    if (connected === false) return;
    connected = false;
    on.lost(last);
  }

  async function watch() {
    if (document.hidden) return;
    const now = Date.now();
    if (now - Math.max(last, tried) > MAX_SILENCE) onSilence();
    const ended = source.readyState === EventSource.CLOSED && now - tried > 3000;
    if (ended || now - Math.max(last, tried) > RECONNECT_AFTER) {
      tried = now;
      // This call finds out whether the session has ended, since EventSource reports no status.
      if (await call('GET', 'status').catch(() => null)) open();
    }
  }

  // A browser opens only six connections to one host, so tabs in the background give theirs up.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) source.close();
    else {
      connected = undefined;
      open();
    }
  });
  open();
  setInterval(watch, 1000);
}
