// Calls the broker's API and listens to its events.
import { authorization, isLoggedOut, logIn, open, session } from './session.js';

/** An error whose message is shown to people. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Sends a request. If the broker does not accept the session, waits for a login and sends the request again. */
async function request(method, path, init) {
  for (;;) {
    const used = session();
    const response = await fetch(`/api/${path}`, {
      method,
      ...init(),
      headers: { 'Content-Type': 'application/json', ...authorization(used) },
    });
    if (response.status !== 401 && response.status !== 429) {
      if (isLoggedOut()) open();
      return response;
    }
    await logIn(used);
  }
}

export async function call(method, path, body) {
  const text = method === 'GET' || method === 'DELETE' ? undefined : JSON.stringify(body ?? {});
  let response;
  try {
    response = await request(method, path, () => ({ signal: AbortSignal.timeout(30_000), body: text }));
  } catch {
    throw new Problem(0, 'The broker cannot be reached.');
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
  let stream = null; // an AbortController while events may arrive
  let last = Date.now();
  let tried = last;
  let connected = null; // null before the first event, undefined when the tab is shown again

  async function connect() {
    disconnect();
    tried = Date.now();
    const mine = new AbortController();
    stream = mine;
    try {
      const response = await request('GET', 'events', () => ({ signal: mine.signal }));
      if (response.ok) await eachEvent(response.body, onEvent);
    } catch {
      // Aborted, or the connection broke.
    }
    if (stream !== mine) return;
    stream = null;
    onSilence();
  }

  function disconnect() {
    stream?.abort();
    stream = null;
  }

  function onEvent(kind, data) {
    if (kind === 'status') onStatus();
    on[kind]?.(data);
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

  function watch() {
    if (document.hidden || isLoggedOut()) return;
    const now = Date.now();
    const silence = now - Math.max(last, tried);
    if (silence > MAX_SILENCE) onSilence();
    if (!stream && now - tried > 3000 || silence > RECONNECT_AFTER) connect();
  }

  // A browser opens only six connections to one host, so tabs in the background give theirs up.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) disconnect();
    else {
      connected = undefined;
      connect();
    }
  });
  connect();
  setInterval(watch, 1000);
}

/** Reads server-sent events. An EventSource cannot send the header that proves the session. */
async function eachEvent(body, on) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const blocks = (rest + part.value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
      if (fields.event) on(fields.event, JSON.parse(fields.data));
    }
  }
}
