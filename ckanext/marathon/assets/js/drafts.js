// What is typed into the form of something new is kept on the server as a draft, a moment after it
// was typed, and when the page is left.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});
  const input = document.querySelector('form [data-draft]');
  const form = input && input.closest('form');
  const state = form && form.querySelector('[data-draft-state]');
  if (!state) return;

  const texts = input.dataset;
  const PAUSE = 1500;
  const LONGEST_PAUSE = 10000;
  // Browsers send no more when a page is left.
  const MOST_AT_THE_END = 60000;
  let timer = 0;
  let waitingSince = 0;
  let changes = 0;
  let kept = 0;
  let sending = null;
  let stopped = false;

  function values() {
    const data = new FormData(form);
    const found = new URLSearchParams();
    for (const [name, value] of data) {
      if (!(value instanceof File)) found.append(name, value);
    }
    return found;
  }

  async function post(isLast) {
    const body = values();
    if (isLast && body.toString().length > MOST_AT_THE_END) return null;
    return fetch(texts.draft, {
      method: 'POST', body, credentials: 'same-origin', keepalive: Boolean(isLast), redirect: 'manual',
      headers: { Accept: 'application/json' },
    });
  }

  async function keep(isLast) {
    clearTimeout(timer);
    timer = 0;
    waitingSince = 0;
    if (sending) await sending.catch(() => null);
    if (stopped || kept === changes) return;
    const upTo = changes;
    try {
      sending = post(isLast);
      let answer = await sending;
      if (answer && (answer.status === 403 || answer.status === 400)) {
        if (!(await marathon.renew().catch(() => false))) {
          state.textContent = texts.tDraftLogIn;
          return;
        }
        sending = post(isLast);
        answer = await sending;
      }
      if (!answer) return;
      const said = await answer.json();
      if (answer.ok) {
        input.value = said.version;
        kept = upTo;
        state.textContent = texts.tDrafted.replace('{time}', said.saved);
        if (kept === changes) form.dispatchEvent(new CustomEvent('marathon:drafted'));
      } else {
        // Saved already, or kept by another tab; too long is tried again with the next change.
        if (answer.status === 409 || answer.status === 410) stopped = true;
        if (answer.status < 500) state.textContent = said.message || '';
      }
    } catch (error) {
      state.textContent = texts.tDraftLost;
      timer = setTimeout(keep, LONGEST_PAUSE);
    } finally {
      sending = null;
    }
  }

  function note() {
    changes += 1;
    const now = Date.now();
    waitingSince = waitingSince || now;
    clearTimeout(timer);
    timer = setTimeout(keep, Math.max(0, Math.min(PAUSE, waitingSince + LONGEST_PAUSE - now)));
  }

  form.addEventListener('input', note);
  form.addEventListener('change', note);
  form.addEventListener('marathon:changed', note);
  document.addEventListener('visibilitychange', function () {
    if (document.visibilityState === 'hidden' && kept !== changes) keep(true);
  });

  // For form.js: while the form is saved no draft of it is.
  marathon.pauseDrafts = async function () {
    clearTimeout(timer);
    stopped = true;
    if (sending) await sending.catch(() => null);
  };
  marathon.resumeDrafts = function () {
    stopped = false;
    if (kept !== changes) note();
  };
})();
