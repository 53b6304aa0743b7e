// What the maps of the site load, all of it from the site: Leaflet, data, boundaries.
(function () {
  "use strict";

  window.siteMapFiles = { json, style, script, features };

  async function json(address) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${answer.status}: ${address}`);
    return answer.json();
  }

  function script(address) {
    return loaded(Object.assign(document.createElement("script"), { src: address }));
  }

  function style(address) {
    return loaded(Object.assign(document.createElement("link"), { rel: "stylesheet", href: address }));
  }

  function loaded(element) {
    return new Promise((resolve, reject) => {
      element.addEventListener("load", resolve);
      element.addEventListener("error", reject);
      document.head.append(element);
    });
  }

  // TopoJSON to GeoJSON.
  function features(topology) {
    const [east, north] = topology.transform.scale;
    const lines = topology.arcs.map((steps) => {
      let [x, y] = [0, 0];
      return steps.map(([dx, dy]) => [(x += dx) * east, (y += dy) * north]);
    });
    const line = (number) => (number < 0 ? [...lines[~number]].reverse() : lines[number]);
    const ring = (numbers) => numbers.flatMap((number, at) => line(number).slice(at ? 1 : 0));
    return topology.objects.places.geometries.map(({ type, id, properties, arcs }) => ({
      type: "Feature",
      id,
      properties,
      geometry: { type, coordinates: arcs.map((polygon) => polygon.map(ring)) },
    }));
  }
})();
