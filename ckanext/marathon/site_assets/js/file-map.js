// The places of a GeoJSON file on a map, loaded on request, and their properties as a table.
(function () {
  "use strict";

  const MOST_ROWS = 50;
  const MOST_PROPERTIES = 12;
  const PLACE = { color: "#0b5c7d", weight: 2, fillColor: "#0b5c7d", fillOpacity: 0.35 };
  const CHOSEN = { color: "#b35c00", fillColor: "#b35c00" };
  const BACKGROUND = { color: "#77848a", weight: 0.7, fillColor: "#f7f5ef", fillOpacity: 1 };
  const { json, style, script, features } = window.siteMapFiles;

  document.querySelectorAll("[data-file-map]").forEach(start);

  function start(figure) {
    const about = JSON.parse(figure.dataset.fileMap);
    const ask = figure.querySelector("[data-file-map-ask]");
    const trouble = figure.querySelector("[data-file-map-trouble]");
    figure.hidden = false;
    ask.addEventListener("click", async () => {
      trouble.textContent = "";
      ask.disabled = true;
      try {
        const [places, boundaries] = await Promise.all([
          json(about.data),
          json(about.boundaries),
          style(about.style),
          script(about.script),
        ]);
        const found = list(places);
        if (!found.length || !found.every(isOnEarth)) throw new Error("no places");
        draw(figure, about, found, features(boundaries));
        ask.hidden = true;
      } catch (error) {
        ask.disabled = false;
        trouble.textContent = about.texts.failed;
      }
    });
  }

  // A collection, a feature or a geometry alone as a list of features.
  function list(places) {
    if (places.type === "FeatureCollection") return places.features.filter((place) => place.geometry);
    if (places.type === "Feature") return places.geometry ? [places] : [];
    return [{ type: "Feature", properties: {}, geometry: places }];
  }

  // Projected coordinates are metres, and would be drawn in the ocean.
  function isOnEarth(place) {
    let position = place.geometry.coordinates ?? place.geometry.geometries?.[0]?.coordinates;
    while (Array.isArray(position?.[0])) position = position[0];
    return Array.isArray(position) && Math.abs(position[0]) <= 180 && Math.abs(position[1]) <= 90;
  }

  function draw(figure, about, places, boundaries) {
    const L = window.L;
    const canvas = figure.querySelector("[data-file-map-canvas]");
    canvas.hidden = false;
    const map = L.map(canvas, { attributionControl: false, scrollWheelZoom: false, zoomControl: false });
    L.control.zoom({ zoomInTitle: about.texts.in, zoomOutTitle: about.texts.out }).addTo(map);
    L.geoJSON(boundaries, { interactive: false, style: BACKGROUND }).addTo(map);
    const panel = figure.querySelector("[data-file-map-panel]");
    let chosen = null;
    const layer = L.geoJSON(places, {
      style: PLACE,
      pointToLayer: (place, at) => L.circleMarker(at, { radius: 6 }),
      onEachFeature(place, shape) {
        shape.on("click", () => {
          if (chosen) layer.resetStyle(chosen);
          chosen = shape;
          shape.setStyle(CHOSEN);
          panel.replaceChildren(describe(place.properties ?? {}));
        });
      },
    }).addTo(map);
    map.fitBounds(layer.getBounds().pad(0.2), { maxZoom: 15 });
    const rows = figure.querySelector("[data-file-map-rows]");
    rows.replaceChildren(tabulate(about, places));
    rows.hidden = false;
    new ResizeObserver(() => map.invalidateSize()).observe(canvas);
  }

  function describe(properties) {
    const rows = document.createElement("dl");
    for (const [name, value] of Object.entries(properties).slice(0, MOST_PROPERTIES)) {
      for (const [tag, text] of [["dt", name], ["dd", write(value)]]) {
        rows.append(Object.assign(document.createElement(tag), { textContent: text }));
      }
    }
    return rows;
  }

  // The same for people who cannot point at a map.
  function tabulate(about, places) {
    const names = [...new Set(places.flatMap((place) => Object.keys(place.properties ?? {})))].slice(0, MOST_PROPERTIES);
    const table = Object.assign(document.createElement("table"), { className: "table table-striped marathon-data" });
    const count = Math.min(places.length, MOST_ROWS);
    const text = about.texts.rows.replace("{shown}", count).replace("{count}", places.length);
    table.createCaption().textContent = text;
    const head = table.createTHead().insertRow();
    for (const name of names) {
      head.append(Object.assign(document.createElement("th"), { scope: "col", textContent: name }));
    }
    const body = table.createTBody();
    for (const place of places.slice(0, MOST_ROWS)) {
      const row = body.insertRow();
      for (const name of names) row.insertCell().textContent = write(place.properties?.[name]);
    }
    return table;
  }

  function write(value) {
    if (value === null || value === undefined) return "";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
})();
