// Saving without leaving the page: first what was typed is checked, then the files are sent with
// a progress bar. What is wrong is shown in place, so that nothing typed or chosen is lost.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});
  const marker = document.querySelector('form [data-marathon-form]');
  const form = marker && marker.closest('form');
  if (!form) return;

  const texts = marker.dataset;
  const actions = form.querySelector('.form-actions');
  const progress = form.querySelector('[data-progress]') || addProgress();
  const bar = progress.querySelector('progress');
  const buttons = form.querySelectorAll('.form-actions button');
  let busy = false;
  let dirty = false;
  let leaving = false;

  // CKAN's own forms have no place for it.
  function addProgress() {
    const block = document.createElement('div');
    block.className = 'marathon-progress';
    block.hidden = true;
    block.innerHTML = '<span data-progress-text role="status"></span><progress max="100"></progress>';
    actions.prepend(block);
    return block;
  }

  function show(text, share) {
    progress.hidden = false;
    progress.querySelector('[data-progress-text]').textContent = text;
    if (share === undefined) bar.removeAttribute('value');
    else bar.value = Math.round(share * 100);
  }

  function setBusy(now) {
    busy = now;
    progress.hidden = !now;
    buttons.forEach(function (button) {
      button.classList.toggle('disabled', now);
      // CKAN's forms take the button away as soon as it is pressed.
      if (!now) button.disabled = false;
    });
    form.setAttribute('aria-busy', String(now));
    if (!now && marathon.resumeDrafts) marathon.resumeDrafts();
  }

  function send(data) {
    return new Promise(function (resolve, reject) {
      const request = new XMLHttpRequest();
      request.open('POST', form.getAttribute('action') || location.href);
      request.setRequestHeader('Accept', 'application/json');
      request.upload.addEventListener('progress', function (event) {
        if (!event.lengthComputable || event.total < 100000) return;
        if (event.loaded < event.total) show(texts.tSending, event.loaded / event.total);
        else show(texts.tSaving);
      });
      request.addEventListener('load', function () {
        try {
          resolve(JSON.parse(request.responseText));
        } catch (error) {
          // A server in front of the site answered: it is too large, or the site is away.
          if (request.status === 413) reject(new Error(texts.tTooLarge));
          else reject(new Error(request.status >= 500 ? texts.tAway : texts.tRefused));
        }
      });
      request.addEventListener('error', () => reject(new Error(texts.tLost)));
      request.send(data);
    });
  }

  // Takes over the session of this browser as it is now: somebody logged in in another tab.
  async function renew() {
    const answer = await fetch(texts.session, { credentials: 'same-origin', cache: 'no-store' });
    const session = await answer.json();
    if (!session.user) return false;
    document.querySelectorAll('input[name="' + texts.tokenName + '"]').forEach(function (input) {
      input.value = session.token;
    });
    const meta = document.querySelector('meta[name="' + texts.tokenName + '"]');
    if (meta) meta.content = session.token;
    return true;
  }

  marathon.renew = renew;

  // Sends what `make` returns; after a log-in in another tab a second time, with its token.
  async function deliver(make) {
    const answer = await send(make());
    if (answer.held !== 'login' && answer.held !== 'stale') return answer;
    return (await renew()) ? send(make()) : answer;
  }

  // The same form without the files themselves: a large one is not sent only to learn that the
  // title is missing.
  function withoutFiles() {
    const light = new FormData();
    let files = (marathon.pendingUploads || Array)().length;
    for (const [name, value] of whole()) {
      if (!(value instanceof File)) {
        // A file that was chosen counts more than an address beside it.
        const beside = name.endsWith('__url') && light.has(name + '_type');
        if (!beside) light.append(name, value);
      } else if (value.name) {
        files += 1;
        light.append(name.replace(/__upload$/, '__url'), value.name);
        light.append(name.replace(/__upload$/, '__url_type'), 'upload');
      }
    }
    light.append('save', 'check');
    return files ? light : null;
  }

  function tooBig() {
    const wrong = {};
    form.querySelectorAll('[data-files] input[type="file"]').forEach(function (input) {
      const text = input.files[0] ? marathon.tooBig(input.files[0]) : '';
      if (text) wrong[input.name] = [text];
    });
    return Object.keys(wrong).length ? wrong : null;
  }

  function listed(lines, link) {
    const alert = document.createElement('div');
    alert.className = 'alert alert-danger';
    alert.setAttribute('role', 'alert');
    alert.textContent = lines.join(' ');
    if (link) {
      const anchor = document.createElement('a');
      anchor.href = texts.login;
      anchor.target = '_blank';
      anchor.rel = 'noopener';
      anchor.textContent = texts.tLogInLink;
      alert.append(document.createElement('br'), anchor);
    }
    return alert.outerHTML;
  }

  // Returns whether the answer ends the matter: saved, or something to correct.
  function settled(answer, submitter) {
    if (answer.url) {
      dirty = false;
      location.assign(answer.url);
      return true;
    }
    if (answer.conflict) {
      // The page that shows both versions takes the place of this one.
      leaving = true;
      dirty = false;
      form.requestSubmit(submitter);
      return true;
    }
    if (answer.held) {
      setBusy(false);
      const isLogin = answer.held === 'login';
      marathon.showErrors(form, {}, listed([isLogin ? texts.tLogIn : answer.message], isLogin));
      return true;
    }
    if (!Object.keys(answer.errors || {}).length) return false;
    setBusy(false);
    Object.entries(answer.set || {}).forEach(function (entry) {
      const input = form.querySelector('input[type="hidden"][name="' + CSS.escape(entry[0]) + '"]');
      if (input) input.value = entry[1];
    });
    marathon.showErrors(form, answer.errors, answer.summary);
    if (marathon.readFilesAgain) marathon.readFilesAgain();
    return true;
  }

  function whole(submitter) {
    const data = new FormData(form);
    if (marathon.withoutBegun) marathon.withoutBegun(data);
    if (submitter && submitter.name) data.append(submitter.name, submitter.value);
    return data;
  }

  async function save(submitter) {
    const wrong = tooBig();
    if (wrong) {
      marathon.showErrors(form, wrong, listed(Object.values(wrong).flat()));
      return;
    }
    setBusy(true);
    if (marathon.pauseDrafts) await marathon.pauseDrafts();
    try {
      const light = form.querySelector('[data-files]') && withoutFiles();
      show(light ? texts.tChecking : texts.tSaving);
      if (light) {
        const isPrivate = String(submitter && submitter.value === 'private');
        const checked = await deliver(function () {
          const data = withoutFiles();
          data.append('private', isPrivate);
          return data;
        });
        if (settled(checked, submitter)) return;
        const pending = (marathon.pendingUploads || Array)();
        if (pending.length) show(texts.tSending);
        await Promise.all(pending);
      }
      settled(await deliver(() => whole(submitter)), submitter);
    } catch (error) {
      setBusy(false);
      marathon.showErrors(form, {}, listed([error.message]));
    }
  }

  form.addEventListener('submit', function (event) {
    if (leaving) return;
    event.preventDefault();
    if (!busy) save(event.submitter);
  });

  form.addEventListener('input', function () { dirty = true; });
  form.addEventListener('marathon:drafted', function () { dirty = false; });
  window.addEventListener('beforeunload', function (event) {
    if (dirty && !busy) event.preventDefault();
  });
  // Back to a page that the browser kept: its buttons must work again.
  window.addEventListener('pageshow', function (event) {
    if (!event.persisted) return;
    leaving = false;
    setBusy(false);
  });
})();
