// Keeps an open page current: listens to the server's events, puts new entries
// into the timeline, and loads the parts of the page anew when the data behind
// them changed. Without it every page still works.

const main = document.getElementById('main');
const link = document.getElementById('link');
const announce = document.getElementById('announce');
const changeGap = 250; // ms between two loadings after changes
const touchGap = 1000; // and after what is no change
const mostRows = 500; // of a live timeline, before it is loaded anew
const hiddenFor = 60_000; // ms until a page that nobody sees stops listening

let since = Number(main?.dataset.live ?? -1);
let source = null;
let failures = 0;
let retry = 0;

// --- the state of the connection ---

const words = {
  live: 'Live', connecting: 'Connecting', lost: 'Connection lost, trying again',
  paused: 'Paused', gone: 'This page is no more', out: 'Signed out, sign in again',
};

function show(state) {
  if (!link || link.dataset.state === state) return;
  link.dataset.state = state;
  link.hidden = false;
  const text = link.querySelector('.words');
  text.textContent = words[state];
  if (state === 'out') {
    const a = document.createElement('a');
    a.href = '/login?next=' + encodeURIComponent(location.pathname + location.search);
    a.textContent = words[state];
    text.replaceChildren(a);
  }
}

// --- replacing what changed, and only that ---

const keyOf = (node) => node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset?.key || '' : '';

// morph makes the element old like fresh without replacing what is the same, so
// that focus, scroll position, selection and opened details stay.
function morph(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== 'open' && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const wanted = new Set([...fresh.childNodes].map(keyOf).filter(Boolean));
  const keyed = new Map();
  for (const child of [...old.childNodes]) {
    const key = keyOf(child);
    if (!key) continue;
    if (wanted.has(key) && !keyed.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const key = keyOf(child);
    let match = key ? keyed.get(key) : at && !keyOf(at) ? at : null;
    if (match && match.nodeName !== child.nodeName) match = null;
    if (!match) {
      old.insertBefore(document.importNode(child, true), at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else old.insertBefore(match, at);
    if (match.nodeType === Node.ELEMENT_NODE) morph(match, child);
    else if (match.nodeValue !== child.nodeValue) match.nodeValue = child.nodeValue;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const parse = (html) => new DOMParser().parseFromString(html, 'text/html');

// load fetches the page's parts; it returns the answer's status, 0 for none.
async function load(fragment) {
  const url = new URL(location.href);
  url.searchParams.set('fragment', fragment);
  url.hash = '';
  let response, html;
  try {
    response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(20_000) });
    html = await response.text();
  } catch {
    return 0;
  }
  if (!response.ok) return response.status;
  const newest = Number(response.headers.get('Seawall-Since') ?? -1);
  const list = document.querySelector('[data-timeline]');
  const later = fragment === 'all' && list
    ? [...list.children].filter((row) => Number(row.dataset.eventId) > newest) : [];
  for (const part of parse(html).querySelectorAll('[data-part]')) {
    const old = document.getElementById(part.id);
    if (old) morph(old, part);
  }
  for (const row of later.reverse()) insert(row);
  if (fragment === 'all' && since >= 0) since = Math.max(since, newest);
  return response.status;
}

// --- loading at most so often ---

let pending = ''; // the fragment to load next
let timer = 0;
let due = Infinity;
let started = -Infinity;
let loading = false;

function refresh(fragment, gap) {
  if (pending !== 'all') pending = fragment;
  const when = Math.max(performance.now(), started + gap);
  if (loading || when >= due) return;
  clearTimeout(timer);
  due = when;
  timer = setTimeout(run, when - performance.now());
}

async function run() {
  const fragment = pending;
  pending = '';
  due = Infinity;
  started = performance.now();
  loading = true;
  const status = await load(fragment);
  loading = false;
  if (status === 401) return stop('out');
  if (status === 404) return stop('gone');
  if (pending) refresh(pending, changeGap);
}

// --- the timeline ---

// insert puts row in its place, newest first; it reports whether it was new.
function insert(row) {
  const list = document.querySelector('[data-timeline]');
  if (!list || document.getElementById(row.id)) return false;
  const id = Number(row.dataset.eventId);
  let before = list.firstElementChild;
  while (before && Number(before.dataset.eventId) > id) before = before.nextElementSibling;
  list.insertBefore(row, before);
  const empty = list.parentElement.querySelector('.empty');
  if (empty) empty.hidden = true;
  return true;
}

function changed(message) {
  const event = JSON.parse(message.data);
  since = Math.max(since, event.id);
  const row = parse(event.row).querySelector('li.event');
  if (row && insert(document.adoptNode(row))) {
    row.classList.add('fresh');
    say(event);
    if (row.parentElement.childElementCount > mostRows) refresh('all', changeGap);
  }
  refresh('live', changeGap);
}

let unsaid = [];

// say tells a screen reader, at most once a second.
function say(event) {
  if (unsaid.push(event) > 1) return;
  setTimeout(() => {
    const last = unsaid.at(-1);
    announce.textContent = unsaid.length === 1
      ? `${last.name || last.host}: ${last.check} is now ${last.status.replace('_', ' ')}`
      : `${unsaid.length} changes, the last on ${last.name || last.host}`;
    unsaid = [];
  }, 1000);
}

// --- the stream ---

function connect() {
  const query = new URLSearchParams();
  if (main.dataset.host) query.set('host', main.dataset.host);
  if (main.dataset.check) query.set('check', main.dataset.check);
  if (since >= 0) query.set('since', since);
  show(failures ? 'lost' : 'connecting');
  source = new EventSource('/events?' + query);
  source.onopen = () => {
    failures = 0;
    show('live');
    refresh('live', 0); // what changed between the page's making and now
  };
  source.addEventListener('change', changed);
  source.addEventListener('touch', () => refresh('live', touchGap));
  source.addEventListener('lost', () => refresh('all', changeGap));
  source.addEventListener('bye', recover);
  source.onerror = recover;
}

function disconnect() {
  source?.close();
  source = null;
  clearTimeout(retry);
}

function stop(state) {
  disconnect();
  show(state);
}

// recover loads the whole anew and listens again: after a while that doubles
// with each failure and is never the same for two pages.
function recover() {
  disconnect();
  show('lost');
  const most = Math.min(30_000, 500 * 2 ** failures++);
  retry = setTimeout(resume, most * (0.3 + 0.7 * Math.random()));
}

async function resume() {
  disconnect();
  const status = await load('all');
  if (status === 401) stop('out');
  else if (status === 404) stop('gone');
  else if (status !== 200) recover();
  else connect();
}

let asleep = 0;

function visibility() {
  clearTimeout(asleep);
  if (document.hidden) asleep = setTimeout(() => stop('paused'), hiddenFor);
  else if (link.dataset.state === 'paused') resume();
}

if (main && 'live' in main.dataset && link) {
  connect();
  document.addEventListener('visibilitychange', visibility);
  addEventListener('online', () => { if (link.dataset.state === 'lost') resume(); });
  addEventListener('pagehide', disconnect);
  addEventListener('pageshow', (event) => { if (event.persisted) resume(); });
}

// --- times: the server's clock is the one that counts ---

const skew = Date.now() - Date.parse(document.querySelector('.foot time')?.dateTime ?? new Date().toISOString());

// ago has the rule of the server's format.Ago.
function ago(then) {
  const s = (Date.now() - skew - then) / 1000;
  if (s < -120) return 'in the future';
  if (s < 5) return 'just now';
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

setInterval(() => {
  for (const time of document.querySelectorAll('time[datetime]:not([data-fixed])')) {
    const text = ago(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}, 5000);

// --- small comforts ---

document.getElementById('theme')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `seawall-theme=${root.dataset.theme}; Path=/; Max-Age=31536000; SameSite=Strict${secure}`;
});

for (const form of document.querySelectorAll('form.filter')) {
  form.addEventListener('change', (event) => { if (event.target.matches('select')) form.requestSubmit(); });
  form.addEventListener('formdata', ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
}

// The class shows the buttons, those of parts that are loaded later as well.
document.documentElement.classList.toggle('can-copy', Boolean(navigator.clipboard));
document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  let said = 'Copied';
  try {
    await navigator.clipboard.writeText(button.parentElement.querySelector('pre').textContent);
  } catch {
    said = 'Not copied';
  }
  button.textContent = said;
  if (announce) announce.textContent = said;
  setTimeout(() => { button.textContent = 'Copy'; }, 2000);
});
