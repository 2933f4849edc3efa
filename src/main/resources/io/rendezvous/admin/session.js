// Logs in and out. The session is kept in the storage of this origin, which no other port can read; a cookie would
// go to every port of this host.

const KEY = 'rendezvous-session';
const form = document.getElementById('login');
const error = form.querySelector('.error');
let entered = null; // a promise while the login is shown
let enter;

export const session = () => localStorage.getItem(KEY);
export const isLoggedOut = () => document.body.classList.contains('out');

/** Returns the header that proves a session to the broker. */
export const authorization = secret => secret ? { Authorization: `Bearer ${secret}` } : {};

/** Shows the login until somebody has logged in. `refused` is the session that the broker did not accept. */
export function logIn(refused) {
  const now = session();
  if (now && now !== refused) return Promise.resolve(); // another tab has logged in meanwhile
  localStorage.removeItem(KEY);
  entered ??= new Promise(resolve => { enter = resolve; });
  document.body.classList.add('out');
  form.hidden = false;
  form.elements.token.focus();
  return entered;
}

/** Shows the page, which is hidden until the broker has accepted a request. */
export function open() {
  form.hidden = true;
  document.body.classList.remove('out');
  document.getElementById('logout').hidden = !session();
  entered = null;
  enter?.();
}

/** Starts a session with a token. Returns why this has failed, or an empty text. */
async function start(token) {
  try {
    const response = await fetch('/api/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    const answer = await response.json();
    if (response.ok) localStorage.setItem(KEY, answer.session);
    return response.ok ? '' : `${answer.detail ?? response.statusText}.`.replace(/^t/, 'T');
  } catch {
    return 'The broker cannot be reached.';
  }
}

/**
 * Logs in with the token in the address, if there is one, and removes it from the address bar at once. Returns why this
 * has failed, or an empty text.
 */
export async function useLink() {
  const token = /^#token=(.+)/.exec(location.hash)?.[1];
  if (token || location.search) history.replaceState(null, '', '/');
  if (!token) return '';
  const failure = await start(token);
  error.textContent = failure && 'This link was used before, or is more than ten minutes old. Get a new one.';
  return error.textContent;
}

/** Ends the session, in all tabs. */
export async function logOut() {
  const secret = session();
  localStorage.removeItem(KEY);
  await fetch('/api/session', { method: 'DELETE', headers: authorization(secret) }).catch(() => {});
  location.reload();
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  const field = form.elements.token;
  error.textContent = '';
  error.textContent = await start(field.value.trim());
  if (error.textContent) return field.select();
  field.value = '';
  open();
});

// Another tab has logged in.
addEventListener('storage', event => {
  if (event.key === KEY && event.newValue && entered) open();
});
