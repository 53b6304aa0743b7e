// The map of municipalities. On a small screen, or where data are dear, it is loaded on request.
(function () {
  "use strict";

  const SMALL = "(max-width: 599px)";
  // The more the darker; each is at least twice as dark as the one before, the first against none.
  const COLOURS = ["#5b9a90", "#14655f", "#082f3e"];
  const NONE = "#f7f5ef";
  const BORDER = "#77848a";
  const MARK = "#b35c00";
  const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  const { json, style, script, features } = window.siteMapFiles;

  document.querySelectorAll("[data-site-map]").forEach(start);

  function start(figure) {
    const about = JSON.parse(figure.dataset.siteMap);
    const ask = figure.querySelector(".site-map-ask");
    const body = figure.querySelector(".site-map-body");
    const trouble = figure.querySelector(".site-map-trouble");

    async function show() {
      ask.hidden = true;
      body.hidden = false;
      trouble.textContent = "";
      try {
        const [places, figures] = await Promise.all([
          json(about.boundaries),
          json(about.figures),
          style(about.style),
          script(about.script),
        ]);
        draw(body, about, features(places), figures);
      } catch (error) {
        ask.hidden = false;
        body.hidden = true;
        trouble.textContent = about.texts.failed;
      }
    }

    figure.hidden = false;
    ask.querySelector("button").addEventListener("click", async () => {
      await show();
      body.querySelector("input:checked")?.focus();
    });
    if (matchMedia(SMALL).matches || navigator.connection?.saveData) return;
    ask.hidden = true;
    body.hidden = false;
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      show();
    });
    seen.observe(body);
  }

  function draw(body, about, places, figures) {
    const L = window.L;
    const canvas = body.querySelector(".site-map-canvas");
    const panel = body.querySelector(".site-map-panel");
    const legend = body.querySelector(".site-map-legend");
    const labels = Object.fromEntries(about.labels);
    const touches = matchMedia("(hover: none)").matches;
    const chosen = () => body.querySelector("input:checked").value;
    const number = (code, field) => figures[code]?.[field] ?? 0;
    const format = new Intl.NumberFormat(document.documentElement.lang);
    const address = (code) => about.place.replace("0000", code);
    const shapes = {};
    let shown = "";

    const map = L.map(canvas, {
      attributionControl: false,
      keyboard: false,
      scrollWheelZoom: false,
      zoomControl: false,
      zoomSnap: 0.25,
      maxZoom: 12,
      maxBoundsViscosity: 1,
    });
    L.control.zoom({ zoomInTitle: about.texts.in, zoomOutTitle: about.texts.out }).addTo(map);
    const layer = L.geoJSON(places, {
      onEachFeature(place, shape) {
        shapes[place.id] = shape;
        shape.bindTooltip(() => said(place), { sticky: true });
        shape.on("mouseover", () => choose(place));
        shape.on("click", () => {
          // Where nothing can be pointed at, the first touch shows what the second opens.
          if (touches && shown !== place.id) choose(place);
          else location.assign(address(place.id));
        });
      },
    }).addTo(map);
    const mark = L.geoJSON(null, { interactive: false, style: { fill: false, color: MARK, weight: 2.5 } });
    mark.addTo(map);
    const whole = layer.getBounds();
    map.fitBounds(whole).setMinZoom(map.getZoom()).setMaxBounds(whole.pad(0.1));
    // While all is seen, a finger on the map moves the page.
    map.on("zoomend", () => map.dragging[map.getZoom() > map.getMinZoom() ? "enable" : "disable"]());
    map.dragging.disable();

    function said(place) {
      const found = document.createElement("span");
      const field = chosen();
      found.textContent = `${place.properties.name} · ${labels[field]}: ${format.format(number(place.id, field))}`;
      return found;
    }

    function choose(place) {
      shown = place.id;
      mark.clearLayers().addData(place);
      const name = Object.assign(document.createElement("p"), { className: "site-map-name" });
      name.textContent = place.properties.name;
      const rows = document.createElement("dl");
      for (const [field, label] of about.labels) {
        const row = document.createElement("div");
        for (const [tag, text] of [["dt", label], ["dd", format.format(number(place.id, field))]]) {
          row.append(Object.assign(document.createElement(tag), { textContent: text }));
        }
        rows.append(row);
      }
      const link = Object.assign(document.createElement("a"), { href: address(place.id) });
      link.textContent = about.texts.open;
      link.setAttribute("aria-label", `${about.texts.open}: ${place.properties.name}`);
      panel.replaceChildren(name, rows, link);
    }

    function colour() {
      const field = chosen();
      const most = Math.max(0, ...places.map((place) => number(place.id, field)));
      const from = edges(most);
      const tones = COLOURS.slice(COLOURS.length - from.length);
      layer.setStyle(({ id }) => {
        const step = from.findLastIndex((edge) => number(id, field) >= edge);
        return {
          color: step < 0 ? BORDER : "#fff",
          weight: 0.7,
          fillColor: step < 0 ? NONE : tones[step],
          fillOpacity: 1,
        };
      });
      legend.replaceChildren(
        entry(NONE, about.texts.none),
        ...from.map((edge, at) => {
          const last = at + 1 < from.length ? from[at + 1] - 1 : most;
          const text = last > edge ? `${format.format(edge)}–${format.format(last)}` : format.format(edge);
          return entry(tones[at], text);
        }),
      );
    }

    keys(layer, places.filter((place) => figures[place.id]), shapes, choose, (place) => {
      const numbers = about.labels.map(([field, label]) => `${label}: ${number(place.id, field)}`);
      return `${place.properties.name}. ${numbers.join(". ")}`;
    }, (place) => location.assign(address(place.id)));
    body.querySelector("fieldset").addEventListener("change", colour);
    colour();
    new ResizeObserver(() => map.invalidateSize()).observe(canvas);
  }

  // One stop of the tab key; the arrows go on to the nearest municipality on that side.
  function keys(layer, places, shapes, choose, label, open) {
    const centre = Object.fromEntries(places.map((place) => [place.id, shapes[place.id].getBounds().getCenter()]));
    const element = (place) => shapes[place.id].getElement();
    // The tooltips listen for the focus, which makes every path of an SVG a stop in Chromium.
    Object.values(shapes).forEach((shape) => shape.getElement().setAttribute("tabindex", "-1"));
    places.forEach((place, at) => {
      const path = element(place);
      path.setAttribute("role", "link");
      path.setAttribute("aria-label", label(place));
      path.setAttribute("tabindex", at ? "-1" : "0");
      path.addEventListener("focus", () => choose(place));
      path.addEventListener("keydown", (event) => {
        if (event.key === "Enter") return open(place);
        const next = event.key in ARROWS && nearest(place, ARROWS[event.key]);
        if (!(event.key in ARROWS)) return undefined;
        event.preventDefault();
        if (!next) return undefined;
        path.setAttribute("tabindex", "-1");
        element(next).setAttribute("tabindex", "0");
        return element(next).focus();
      });
    });

    function nearest(place, [east, north]) {
      const here = centre[place.id];
      let [found, least] = [null, Infinity];
      for (const other of places) {
        const there = centre[other.id];
        const [x, y] = [there.lng - here.lng, there.lat - here.lat];
        const ahead = x * east + y * north;
        const aside = Math.abs(x * north) + Math.abs(y * east);
        if (ahead > 0 && ahead + 2 * aside < least) [found, least] = [other, ahead + 2 * aside];
      }
      return found;
    }
  }

  // Where each shade begins: up to three of them, each some times as many as the one before.
  function edges(most) {
    const found = [0, 1, 2].map((step) => Math.ceil(most ** (step / 3)));
    return most ? [...new Set(found)] : [];
  }

  function entry(colour, text) {
    const item = document.createElement("li");
    const swatch = Object.assign(document.createElement("span"), { ariaHidden: "true" });
    swatch.style.background = colour;
    item.append(swatch, text);
    return item;
  }
})();
