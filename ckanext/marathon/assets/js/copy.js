// A button that copies the text beside it; without this script the text can be selected by hand.
(function () {
  'use strict';

  document.querySelectorAll('[data-copy]').forEach(function (button) {
    const source = button.parentElement.querySelector('[data-copy-source]');
    button.hidden = false;
    button.addEventListener('click', async function () {
      source.select();
      try {
        await navigator.clipboard.writeText(source.value);
      } catch (error) {
        // Pages served without TLS have no clipboard; the old way still works there.
        document.execCommand('copy');
      }
      button.textContent = button.dataset.tCopied;
    });
  });
})();
