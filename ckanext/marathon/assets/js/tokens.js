// API tokens can be revoked once one is chosen; one that was just made is brought into view.
(function () {
  'use strict';

  function update() {
    const button = document.getElementById('revoke-tokens-button');
    if (button) button.disabled = !document.querySelector('[name=token]:checked');
  }

  document.addEventListener('change', update);
  document.addEventListener('htmx:afterSettle', function () {
    const made = document.querySelector('#api-tokens-table [data-module=copy-into-buffer]');
    if (made) made.closest('tr').scrollIntoView(false);
    update();
  });
  document.addEventListener('htmx:afterRequest', update);
})();
