// A chosen file is sent at once, in pieces (tus 1.0), while the rest of the form is filled in. What
// has arrived stays: after a lost connection it goes on by itself, after a closed browser as soon
// as the same file is chosen again. Where this is not possible the file goes with the form.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});
  const marker = document.querySelector('form [data-marathon-form]');
  const form = marker && marker.closest('form');
  const list = form && form.querySelector('[data-files]');
  const address = marker && marker.dataset.uploads;

  const TUS = '1.0.0';
  const SMALLEST = 64 * 1024;
  const LARGEST = 8 * 1024 * 1024;
  // A piece that takes longer is made smaller, one that is quick larger.
  const QUICK = 1500;
  const SLOW = 6000;
  const LONGEST = 120000;
  const WAITS = [1, 2, 4, 8, 15, 30];

  // Block of a file → its sending: {promise, controller, done}.
  const running = new Map();

  class Refused extends Error {}
  class Lost extends Error {}
  class Gone extends Error {}

  function texts() { return marker.dataset; }

  function part(block, name) { return block.querySelector('[data-upload-' + name + ']'); }

  function say(block, text, share) {
    part(block, 'state').hidden = false;
    part(block, 'text').textContent = text;
    const bar = part(block, 'bar');
    bar.hidden = share === undefined;
    if (share !== undefined) bar.value = Math.round(share * 100);
  }

  function tell(block, name) {
    block.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  }

  function size(bytes) {
    const mega = bytes / 1048576;
    return mega >= 1
      ? mega.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 }) + ' MB'
      : Math.max(1, Math.round(bytes / 1024)).toLocaleString(document.documentElement.lang) + ' kB';
  }

  function encode(text) {
    return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  }

  function token() {
    const input = form.querySelector('input[name="' + texts().tokenName + '"]');
    return input ? input.value : '';
  }

  async function ask(method, url, headers, body, signal) {
    const late = AbortSignal.timeout(LONGEST);
    let answer;
    try {
      answer = await fetch(url, {
        method,
        body,
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'manual',
        headers: Object.assign({ 'Tus-Resumable': TUS, 'X-CSRFToken': token() }, headers),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
    } catch (error) {
      if (signal && signal.aborted) throw error;
      throw new Lost(texts().tUploadLost);
    }
    if (answer.ok) return answer;
    const said = await answer.json().then((found) => found.message, () => '');
    if (answer.status === 409 || answer.status === 423 || answer.status === 429 || answer.status >= 500) {
      throw new Lost(said || texts().tUploadLost);
    }
    if (answer.status === 404 || answer.status === 410) throw new Gone(said);
    const refusal = new Refused(said);
    refusal.status = answer.status;
    throw refusal;
  }

  // After a log-in in another tab the token is another one.
  async function askTwice(method, url, headers, body, signal) {
    try {
      return await ask(method, url, headers, body, signal);
    } catch (error) {
      const isSession = error instanceof Refused && (error.status === 400 || error.status === 403);
      if (!isSession) throw error;
      const isLoggedIn = await marathon.renew().catch(() => false);
      if (!isLoggedIn) throw new Lost(texts().tUploadLogIn);
      return ask(method, url, headers, body, signal);
    }
  }

  // Returns [id, offset] of this file if it had begun to arrive before.
  async function findBegun(file, signal) {
    const answer = await askTwice('GET', address, {}, undefined, signal);
    const found = (await answer.json()).uploads.find(function (one) {
      const isTaken = form.querySelector('[data-upload-id][value="' + CSS.escape(one.id) + '"]');
      return !isTaken && one.name === file.name.normalize('NFC') && one.size === file.size &&
        one.changed === String(file.lastModified);
    });
    return found ? [found.id, found.received] : null;
  }

  async function begin(file, signal) {
    const metadata = 'filename ' + encode(file.name) + ',changed ' + encode(String(file.lastModified));
    const answer = await askTwice(
      'POST', address, { 'Upload-Length': String(file.size), 'Upload-Metadata': metadata }, undefined, signal
    );
    return [answer.headers.get('Location').split('/').pop(), 0];
  }

  async function findOffset(id, signal) {
    const answer = await askTwice('HEAD', address + '/' + id, {}, undefined, signal);
    return Number(answer.headers.get('Upload-Offset'));
  }

  function rest(seconds, signal) {
    return new Promise(function (resolve, reject) {
      function stop() {
        clearTimeout(timer);
        window.removeEventListener('online', go);
        signal.removeEventListener('abort', abort);
      }
      function go() { stop(); resolve(); }
      function abort() { stop(); reject(new DOMException('', 'AbortError')); }
      const timer = setTimeout(go, seconds * 1000);
      window.addEventListener('online', go);
      signal.addEventListener('abort', abort);
    });
  }

  async function sendPieces(block, file, id, from, signal, sending) {
    let offset = from;
    while (offset < file.size) {
      const piece = file.slice(offset, offset + sending.piece);
      const began = performance.now();
      const answer = await askTwice(
        'PATCH', address + '/' + id,
        { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset) }, piece, signal
      );
      const took = performance.now() - began;
      if (took < QUICK) sending.piece = Math.min(sending.piece * 2, LARGEST);
      else if (took > SLOW) sending.piece = Math.max(sending.piece / 2, SMALLEST);
      offset = Number(answer.headers.get('Upload-Offset'));
      sending.failures = 0;
      progress(block, file, offset);
    }
  }

  function progress(block, file, offset) {
    const text = texts().tUploading.replace('{done}', size(offset)).replace('{all}', size(file.size));
    say(block, text, offset / file.size);
  }

  async function run(block, file, sending) {
    const signal = sending.controller.signal;
    let id = '';
    let asked = false;
    for (;;) {
      try {
        let offset;
        if (id) {
          offset = await findOffset(id, signal);
        } else {
          [id, offset] = (!asked && (await findBegun(file, signal))) || (await begin(file, signal));
          asked = true;
          if (sending.former !== id) forget(sending.former);
          sending.former = '';
          part(block, 'id').value = id;
          tell(block, 'marathon:changed');
        }
        progress(block, file, offset);
        await sendPieces(block, file, id, offset, signal, sending);
        return id;
      } catch (error) {
        if (signal.aborted || error instanceof Refused) throw error;
        if (error instanceof Gone) {
          id = '';
          part(block, 'id').value = '';
        }
        sending.failures += 1;
        sending.piece = Math.max(sending.piece / 2, SMALLEST);
        const seconds = WAITS[Math.min(sending.failures, WAITS.length) - 1];
        say(block, (error.message || texts().tUploadLost) + ' ' + texts().tUploadAgain.replace('{seconds}', seconds));
        await rest(seconds, signal);
      }
    }
  }

  function start(block, file, former) {
    const sending = {
      controller: new AbortController(), piece: 4 * SMALLEST, failures: 0, done: false, former,
    };
    running.set(block, sending);
    part(block, 'cancel').hidden = false;
    say(block, texts().tUploadBegins, 0);
    sending.promise = run(block, file, sending).then(function () {
      sending.done = true;
      say(block, texts().tUploaded.replace('{name}', file.name).replace('{size}', size(file.size)));
      tell(block, 'marathon:uploaded');
    }).catch(function (error) {
      if (sending.controller.signal.aborted) return;
      running.delete(block);
      part(block, 'id').value = '';
      if (error.status === 413 || error.status === 400) {
        const input = block.querySelector('input[type="file"]');
        input.value = '';
        part(block, 'state').hidden = true;
        marathon.showError(block.querySelector('[data-field-error]'), input, error.message);
      } else {
        // Not possible here: it is sent with the form.
        say(block, ((error.message || '') + ' ' + texts().tUploadLater).trim());
      }
    });
  }

  function forget(id) {
    if (!id) return;
    askTwice('DELETE', address + '/' + id, {}).catch(function () {
      // It expires by itself.
    });
  }

  // Stops the sending and has the server forget what has arrived.
  function drop(block) {
    const sending = running.get(block);
    if (sending) sending.controller.abort();
    running.delete(block);
    const input = part(block, 'id');
    if (!input) return;
    forget(input.value);
    input.value = '';
    part(block, 'state').hidden = true;
    tell(block, 'marathon:dropped');
    tell(block, 'marathon:changed');
  }

  // For form.js: whether files are still on their way, and waiting for them.
  marathon.pendingUploads = function () {
    return [...running.values()].filter((sending) => !sending.done).map((sending) => sending.promise);
  };

  // Takes the files that have arrived, or are arriving, out of what a form sends.
  marathon.withoutBegun = function (data) {
    form.querySelectorAll('[data-upload-id]').forEach(function (input) {
      if (input.value) data.delete(input.name.replace(/__begun$/, '__upload'));
    });
    return data;
  };

  if (!list || !address || !window.AbortSignal || !AbortSignal.any) return;

  function take(input) {
    const block = input.closest('[data-file]');
    const file = input.files[0];
    // What a draft had begun to send may be this file; else it is forgotten.
    const former = running.has(block) ? '' : part(block, 'id').value;
    if (former) part(block, 'id').value = '';
    drop(block);
    if (!file || marathon.tooBig(file) || !file.size) {
      forget(former);
      return;
    }
    start(block, file, former);
  }

  list.addEventListener('change', function (event) {
    if (event.target.type === 'file') take(event.target);
  });

  list.addEventListener('click', function (event) {
    const cancel = event.target.closest('[data-upload-cancel]');
    if (!cancel) return;
    const block = cancel.closest('[data-file]');
    const input = block.querySelector('input[type="file"]');
    drop(block);
    input.value = '';
    input.focus();
  });

  list.addEventListener('marathon:removed', (event) => drop(event.target));
  list.querySelectorAll('[data-upload-cancel]').forEach(function (button) {
    button.hidden = false;
  });
  // Chosen before this script was there; the other scripts of the page come first.
  setTimeout(function () {
    list.querySelectorAll('input[type="file"]').forEach(function (input) {
      if (input.files.length && !running.has(input.closest('[data-file]'))) take(input);
    });
  });
})();
