// Saving without leaving the page: first what was typed is checked, then the files are sent with
// a progress bar. What is wrong is shown in place, so that nothing typed or chosen is lost.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});
  const form = document.querySelector('[data-marathon-form]');
  if (!form) return;

  const progress = form.querySelector('[data-progress]');
  const bar = progress.querySelector('progress');
  const buttons = form.querySelectorAll('.marathon-actions button');
  const texts = form.dataset;
  let busy = false;
  let dirty = false;

  function show(text, share) {
    progress.hidden = false;
    progress.querySelector('[data-progress-text]').textContent = text;
    if (share === undefined) bar.removeAttribute('value');
    else bar.value = Math.round(share * 100);
  }

  function setBusy(now) {
    busy = now;
    progress.hidden = !now;
    buttons.forEach((button) => button.classList.toggle('disabled', now));
    form.setAttribute('aria-busy', String(now));
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
          reject(new Error(request.status >= 500 || !request.status ? texts.tLost : texts.tRefused));
        }
      });
      request.addEventListener('error', () => reject(new Error(texts.tLost)));
      request.send(data);
    });
  }

  // The same form without the files themselves: a large one is not sent only to learn that the
  // title is missing.
  function withoutFiles() {
    const light = new FormData();
    let files = 0;
    for (const [name, value] of new FormData(form)) {
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

  function listed(texts) {
    const alert = document.createElement('div');
    alert.className = 'alert alert-danger';
    alert.setAttribute('role', 'alert');
    alert.textContent = texts.join(' ');
    return alert.outerHTML;
  }

  // Returns whether the answer ends the matter: saved, or something to correct.
  function settled(answer) {
    if (answer.url) {
      dirty = false;
      location.assign(answer.url);
      return true;
    }
    if (!Object.keys(answer.errors || {}).length) return false;
    setBusy(false);
    marathon.showErrors(form, answer.errors, answer.summary);
    return true;
  }

  async function save(step) {
    const wrong = tooBig();
    if (wrong) {
      marathon.showErrors(form, wrong, listed(Object.values(wrong).flat()));
      return;
    }
    setBusy(true);
    try {
      const light = withoutFiles();
      show(light ? texts.tChecking : texts.tSaving);
      if (light) {
        light.append('private', String(step === 'private'));
        if (settled(await send(light))) return;
      }
      const whole = new FormData(form);
      whole.append('save', step);
      settled(await send(whole));
    } catch (error) {
      setBusy(false);
      marathon.showErrors(form, {}, listed([error.message]));
    }
  }

  form.addEventListener('submit', function (event) {
    if (busy) {
      event.preventDefault();
      return;
    }
    if (!('inPlace' in form.dataset)) {
      dirty = false;
      // After the browser has read which button was pressed.
      setTimeout(() => setBusy(true), 0);
      return;
    }
    event.preventDefault();
    save(event.submitter && event.submitter.value === 'private' ? 'private' : 'publish');
  });

  form.addEventListener('input', function () { dirty = true; });
  window.addEventListener('beforeunload', function (event) {
    if (dirty && !busy) event.preventDefault();
  });
  // Back to a page that the browser kept: its buttons must work again.
  window.addEventListener('pageshow', function (event) {
    if (event.persisted) setBusy(false);
  });
})();
