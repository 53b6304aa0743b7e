// The ideas offered follow the municipality chosen; their data needs follow the ideas ticked; one
// that is missing is added without leaving the form.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});
  const box = document.querySelector('[data-marathon-ideas]');
  if (!box) return;

  const form = box.closest('form');
  const name = box.dataset.marathonIdeas;
  const picker = box.querySelector('[data-marathon-picker]');
  const options = picker.querySelector('[data-options]');
  const municipality = form.querySelector('[data-marathon-picker="municipality"]');
  const needs = form.querySelector('[data-marathon-needs]');
  const adding = box.querySelector('[data-new-idea]');

  function ticked(root) {
    return Array.from(root.querySelectorAll('input[type="checkbox"]:checked'), (b) => b.value);
  }

  function element(tag, text, attributes) {
    const made = document.createElement(tag);
    made.textContent = text;
    Object.entries(attributes || {}).forEach((pair) => made.setAttribute(pair[0], pair[1]));
    return made;
  }

  function option(field, value, label, note, checked) {
    const made = element('label', '', { class: 'marathon-option' });
    const tick = element('input', '', { type: 'checkbox', name: field, value: value });
    tick.checked = checked;
    made.append(tick, element('span', label, { 'data-label': '' }));
    if (note) made.append(element('small', note));
    return made;
  }

  function say(text) {
    options.replaceChildren(element('p', text, { class: 'empty', role: 'status' }));
  }

  function showNeeds() {
    if (!needs) return;
    const chosen = ticked(options);
    let any = false;
    needs.querySelectorAll('[data-idea]').forEach(function (group) {
      group.hidden = !chosen.includes(group.dataset.idea);
      any = any || !group.hidden;
      if (group.hidden) group.querySelectorAll('input').forEach((b) => (b.checked = false));
    });
    needs.querySelector('[data-none]').hidden = any;
  }

  function addNeeds(idea, chosen) {
    if (!needs || !idea.data_need.length) return;
    const group = element('div', '', { 'data-idea': idea.id });
    group.append(element('p', idea.title, { class: 'marathon-needs-idea' }));
    idea.data_need.forEach(function (need) {
      group.append(option(needs.dataset.marathonNeeds, need.id, need.what, need.why, chosen.includes(need.id)));
    });
    needs.querySelector('[data-needs]').append(group);
  }

  function draw(answer) {
    const chosen = ticked(options);
    const chosenNeeds = needs ? ticked(needs) : [];
    options.replaceChildren();
    if (needs) needs.querySelector('[data-needs]').replaceChildren();
    answer.ideas.forEach(function (idea) {
      options.append(option(name, idea.id, idea.title, idea.note, chosen.includes(idea.id)));
      addNeeds(idea, chosenNeeds);
    });
    if (!answer.ideas.length) say(box.dataset.tEmpty);
    const workshops = adding.querySelector('[data-new="workshop"]');
    const before = workshops.value;
    workshops.replaceChildren(element('option', '', { value: '' }));
    answer.workshops.forEach((each) => workshops.append(element('option', each.label, { value: each.id })));
    workshops.value = answer.workshops.length === 1 ? answer.workshops[0].id : before;
    adding.querySelector('[data-no-workshop]').hidden = answer.workshops.length > 0;
    adding.querySelector('[data-new-fields]').hidden = answer.workshops.length === 0;
    picker.dispatchEvent(new CustomEvent('marathon:options'));
    showNeeds();
  }

  let latest = 0;
  async function refresh() {
    const asked = (latest += 1);
    const query = new URLSearchParams();
    ticked(municipality).forEach((code) => query.append('municipality', code));
    ticked(options).forEach((id) => query.append('idea', id));
    options.setAttribute('aria-busy', 'true');
    try {
      const response = await fetch(box.dataset.url + '?' + query, { credentials: 'same-origin' });
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.json();
      if (asked === latest) draw(answer);
    } catch (error) {
      // What was offered before stays; a line says why it is not up to date.
      options.append(element('p', box.dataset.tFailed, { class: 'error-block', role: 'alert' }));
    } finally {
      options.removeAttribute('aria-busy');
    }
  }

  async function add() {
    const errors = adding.querySelector('[data-new-idea-errors]');
    const sent = new FormData();
    adding.querySelectorAll('[data-new]').forEach((input) => sent.append(input.dataset.new, input.value));
    const csrf = document.querySelector('meta[name="csrf_field_name"]').content;
    sent.append(csrf, form.elements[csrf].value);
    errors.textContent = '';
    try {
      const response = await fetch(adding.dataset.url, { method: 'POST', body: sent, credentials: 'same-origin' });
      const answer = await response.json();
      if (answer.errors) {
        Object.values(answer.errors).flat().forEach((text) => errors.append(element('p', text, { class: 'error-block' })));
        return;
      }
      options.querySelectorAll('.empty').forEach((line) => line.remove());
      options.prepend(option(name, answer.id, answer.title, answer.note, true));
      adding.querySelector('[data-new="title"]').value = '';
      adding.open = false;
      picker.dispatchEvent(new CustomEvent('marathon:options'));
      showNeeds();
      picker.querySelector('[data-search]').focus();
    } catch (error) {
      errors.append(element('p', box.dataset.tFailed, { class: 'error-block' }));
    }
  }

  if (municipality) {
    municipality.addEventListener('change', function (event) {
      if (event.target.type === 'checkbox') refresh();
    });
  }
  options.addEventListener('change', showNeeds);
  adding.hidden = false;
  adding.querySelector('[data-add-idea]').addEventListener('click', function (event) {
    event.preventDefault();
    add();
  });
  adding.addEventListener('toggle', function () {
    const problem = adding.querySelector('[data-new="service_problem"]');
    const chosen = form.querySelector('[name="service_problem"]:checked');
    if (adding.open && !problem.value && chosen) problem.value = chosen.value;
  });
  // Enter in the small form adds the idea; it must not publish the dataset.
  adding.addEventListener('keydown', function (event) {
    if (event.key === 'Enter' && event.target.tagName === 'INPUT') {
      event.preventDefault();
      add();
    }
  });
  showNeeds();
})();
