/* Drawing: canvas tiles for the base and for areas, one canvas of labels, markers with shapes.
   What is drawn in which colour belongs to overlays.js. */

/* A grid layer that calls painter(ctx, view) per tile. Drawn finer than the screen, so that
   part zoom steps stay sharp. */
MI.TileCanvas = L.GridLayer.extend({
  initialize: function (painter, options) {
    this._painter = painter;
    L.GridLayer.prototype.initialize.call(this, Object.assign({ updateWhenZooming: false, keepBuffer: 1 }, options));
  },
  createTile: function (coords) {
    const size = this.getTileSize();
    const ratio = Math.max(1.5, window.devicePixelRatio || 1);
    const tile = document.createElement('canvas');
    tile.width = Math.round(size.x * ratio); tile.height = Math.round(size.y * ratio);
    const ctx = tile.getContext('2d');
    ctx.scale(ratio, ratio);
    ctx.lineJoin = 'round'; ctx.lineCap = 'round';
    const scale = 256 * Math.pow(2, coords.z), pad = 8 / scale;
    const ox = coords.x * size.x, oy = coords.y * size.y;
    this._painter(ctx, {
      z: coords.z, scale: scale, ox: ox, oy: oy,
      west: ox / scale - pad, north: oy / scale - pad,
      east: (ox + size.x) / scale + pad, south: (oy + size.y) / scale + pad
    });
    return tile;
  }
});

/* Append feature i's parts that touch the view to the path; true where any did. */
MI.trace = function (ctx, geo, i, view) {
  const { ux, uy, starts, boxes } = geo, { scale, ox, oy } = view;
  const closed = geo.kind === 'polygon';
  let any = false;
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    const b = 4 * part;
    if (boxes[b] > view.east || boxes[b + 2] < view.west || boxes[b + 1] > view.south || boxes[b + 3] < view.north) continue;
    any = true;
    const begin = starts[part], end = starts[part + 1];
    let px = ux[begin] * scale - ox, py = uy[begin] * scale - oy;
    ctx.moveTo(px, py);
    for (let v = begin + 1; v < end; v++) {
      const x = ux[v] * scale - ox, y = uy[v] * scale - oy;
      if (v < end - 1 && Math.abs(x - px) + Math.abs(y - py) < 0.7) continue;
      ctx.lineTo(x, y); px = x; py = y;
    }
    if (closed) ctx.closePath();
  }
  return any;
};

/* Whether a unit point lies in polygon i (even-odd over all its rings). */
MI.contains = function (geo, i, x, y) {
  let inside = false;
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    const b = 4 * part;
    if (x < geo.boxes[b] || x > geo.boxes[b + 2] || y < geo.boxes[b + 1] || y > geo.boxes[b + 3]) continue;
    const begin = geo.starts[part], end = geo.starts[part + 1];
    for (let v = begin, w = end - 1; v < end; w = v++) {
      if ((geo.uy[v] > y) !== (geo.uy[w] > y) &&
          x < (geo.ux[w] - geo.ux[v]) * (y - geo.uy[v]) / (geo.uy[w] - geo.uy[v]) + geo.ux[v]) inside = !inside;
    }
  }
  return inside;
};

MI.toUnit = function (latlng) {
  const sine = Math.sin(latlng.lat * Math.PI / 180);
  return [latlng.lng / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
};

/* --- the vector base ------------------------------------------------------ */

MI.ROAD_FROM_ZOOM = [5, 6, 8, 10, 11, 12, 13, 14, 14];
MI.ROAD_COLOURS = ['#dfa354', '#e6bd80', '#f0d9ab', '#fbf4e2', '#ffffff', '#ffffff', '#ffffff', '#ffffff', '#ffffff'];
MI.ROAD_CASING = ['#9c6a2e', '#a97d42', '#b08e57', '#a79d87', '#a8a294', '#aea99d', '#b5b1a7', '#bdbab2', '#bdbab2'];

MI.roadWidth = function (rank, z) {
  const base = [1.3, 1.15, 0.95, 0.7, 0.6, 0.5, 0.5, 0.4, 0.4][rank];
  return base * (z <= 8 ? 1 : Math.pow(1.28, z - 8));
};

MI.paintGround = function (ctx, view) {
  const layers = MI.layers, shown = MI.base;
  const tints = MI.data.style.cityTints;
  for (let i = 0; i < layers.cities.n; i++) {
    ctx.beginPath();
    if (!MI.trace(ctx, layers.cities.geo, i, view)) continue;
    ctx.fillStyle = tints[i % tints.length];
    ctx.fill('evenodd');
    ctx.strokeStyle = '#a9b1ba'; ctx.lineWidth = 1.2;
    ctx.stroke();
  }
  if (shown.land) {
    MI.fillAll(ctx, layers.wood, '#dbe7d3', view);
    MI.fillAll(ctx, layers.built, '#e6e0dc', view);
  }
  if (shown.water) {
    MI.fillAll(ctx, layers.water, '#a9cbe0', view);
    const rivers = layers.rivers;
    for (let i = 0; i < rivers.n; i++) {
      if (rivers.kind[i] === 'canal' && view.z < 10) continue;
      ctx.beginPath();
      if (!MI.trace(ctx, rivers.geo, i, view)) continue;
      ctx.strokeStyle = '#8fb9d4';
      ctx.lineWidth = (rivers.kind[i] === 'river' ? 1.1 : 0.8) * (view.z <= 8 ? 1 : Math.pow(1.2, view.z - 8));
      ctx.stroke();
    }
  }
};

MI.fillAll = function (ctx, layer, colour, view) {
  ctx.fillStyle = colour;
  for (let i = 0; i < layer.n; i++) {
    ctx.beginPath();
    if (MI.trace(ctx, layer.geo, i, view)) ctx.fill('evenodd');
  }
};

MI.paintNetwork = function (ctx, view) {
  const shown = MI.base, roads = MI.layers.roads;
  if (shown.rail) MI.paintRail(ctx, view);
  if (!shown.roads) return;
  const order = MI.roadOrder;
  if (view.z >= 9) {
    for (const i of order) MI.strokeRoad(ctx, roads, i, view, true);
  }
  for (const i of order) MI.strokeRoad(ctx, roads, i, view, false);
  ctx.setLineDash([]);
};

MI.strokeRoad = function (ctx, roads, i, view, casing) {
  const rank = roads.rank[i];
  if (view.z < MI.ROAD_FROM_ZOOM[rank]) return;
  if (!roads.is_open[i] && view.z < 10) return;
  ctx.beginPath();
  if (!MI.trace(ctx, roads.geo, i, view)) return;
  const width = MI.roadWidth(rank, view.z);
  ctx.setLineDash(roads.is_open[i] ? [] : [width * 2 + 2, width * 2 + 2]);
  ctx.strokeStyle = casing ? MI.ROAD_CASING[rank] : view.z < 9 ? MI.ROAD_CASING[rank] : MI.ROAD_COLOURS[rank];
  ctx.globalAlpha = view.z < 9 ? 0.75 : 1;
  ctx.lineWidth = casing ? width + 1.2 : width;
  ctx.stroke();
  ctx.globalAlpha = 1;
};

MI.paintRail = function (ctx, view) {
  const rail = MI.layers.rail;
  if (view.z < 7) return;
  for (let i = 0; i < rail.n; i++) {
    const metro = rail.kind[i] !== 'rail';
    if (metro && view.z < 9) continue;
    ctx.beginPath();
    if (!MI.trace(ctx, rail.geo, i, view)) continue;
    const width = (rail.is_highspeed[i] ? 1.5 : 1.1) * (view.z <= 9 ? 1 : Math.pow(1.15, view.z - 9));
    ctx.setLineDash(rail.is_open[i] ? [] : [3, 4]);
    ctx.strokeStyle = metro ? '#8e7aa8' : '#77727a';
    ctx.lineWidth = width;
    ctx.stroke();
    if (!metro && view.z >= 11 && rail.is_open[i]) {
      ctx.strokeStyle = '#ffffff'; ctx.setLineDash([5, 6]); ctx.lineWidth = width * 0.55;
      ctx.stroke();
    }
  }
  ctx.setLineDash([]);
};

/* --- areas: choropleths with their own hit test ----------------------------- */

/* fill(i) gives a colour or null; line(i), where given, an outline {color, width, dash}. */
MI.AreaLayer = MI.TileCanvas.extend({
  initialize: function (geo, fill, line, options) {
    this.geo = geo; this.fill = fill; this.line = line;
    MI.TileCanvas.prototype.initialize.call(this, this._paint.bind(this), Object.assign({ pane: 'mi-areas' }, options));
  },
  _paint: function (ctx, view) {
    for (let i = 0; i < this.geo.n; i++) {
      const colour = this.fill ? this.fill(i) : null;
      const line = this.line ? this.line(i) : null;
      if (!colour && !line) continue;
      ctx.beginPath();
      if (!MI.trace(ctx, this.geo, i, view)) continue;
      if (colour) {
        ctx.fillStyle = colour;
        ctx.fill('evenodd');
        if (!line) { ctx.strokeStyle = colour; ctx.lineWidth = 0.6; ctx.stroke(); }
      }
      if (line) {
        ctx.setLineDash(line.dash || []);
        ctx.strokeStyle = line.color; ctx.lineWidth = line.width; ctx.stroke();
        ctx.setLineDash([]);
      }
    }
  },
  hit: function (latlng) {
    const [x, y] = MI.toUnit(latlng);
    for (let i = this.geo.n - 1; i >= 0; i--) {
      if (this.fill && this.fill(i) && MI.contains(this.geo, i, x, y)) return i;
    }
    return -1;
  }
});

/* --- labels ------------------------------------------------------------------ */

MI.LabelLayer = L.Layer.extend({
  onAdd: function (map) {
    this._map = map;
    this._canvas = L.DomUtil.create('canvas', 'mi-labels', map.getPane('mi-labels'));
    map.on('moveend zoomend resize viewreset', this.redraw, this);
    map.on('zoomstart', this._hide, this);
    this.redraw();
  },
  onRemove: function (map) {
    this._canvas.remove();
    map.off('moveend zoomend resize viewreset', this.redraw, this);
    map.off('zoomstart', this._hide, this);
  },
  _hide: function () { this._canvas.style.visibility = 'hidden'; },
  redraw: function () {
    if (!this._map) return;
    const map = this._map, size = map.getSize(), ratio = Math.max(1, window.devicePixelRatio || 1);
    const canvas = this._canvas;
    L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
    canvas.width = size.x * ratio; canvas.height = size.y * ratio;
    canvas.style.width = size.x + 'px'; canvas.style.height = size.y + 'px';
    canvas.style.visibility = 'visible';
    if (!MI.base.labels) return;
    const ctx = canvas.getContext('2d');
    ctx.scale(ratio, ratio);
    ctx.textAlign = 'center'; ctx.textBaseline = 'middle'; ctx.lineJoin = 'round';
    const taken = MI.markerBoxes(map), names = [], zoom = map.getZoom(), view = map.getBounds().pad(0.05);
    for (const label of MI.labels()) {
      if (zoom < label.from || !view.contains([label.lat, label.lng])) continue;
      const at = map.latLngToContainerPoint([label.lat, label.lng]);
      this._place(ctx, label, at, taken, names);
    }
  },
  _place: function (ctx, label, at, taken, names) {
    ctx.font = label.font;
    const width = ctx.measureText(label.text).width, height = label.size + 2, pad = label.box ? 4 : 2;
    const boxAt = spot => [spot[0] - width / 2 - pad, spot[1] - height / 2 - 1, spot[0] + width / 2 + pad, spot[1] + height / 2 + 1];
    const isFree = box => !taken.some(other => MI.overlap(box, other));
    let spots = [[at.x, at.y]];
    if (label.dot) {
      const up = height / 2 + 4, aside = width / 2 + 9;
      spots = [[at.x, at.y - up], [at.x, at.y + up], [at.x + aside, at.y], [at.x - aside, at.y]];
      ctx.beginPath(); ctx.arc(at.x, at.y, label.dot, 0, 7);
      ctx.fillStyle = '#fff'; ctx.fill();
      ctx.lineWidth = 1.4; ctx.strokeStyle = '#444'; ctx.stroke();
    }
    // A city may lie over markers where there is no better place, but over no other name.
    const clear = spots.find(each => isFree(boxAt(each)));
    const spot = clear || (label.dot ? spots.find(each => !names.some(other => MI.overlap(boxAt(each), other))) : null);
    if (!spot) return;
    const box = boxAt(spot);
    taken.push(box); names.push(box);
    if (label.box) {
      ctx.fillStyle = label.box;
      ctx.fillRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
      ctx.fillStyle = '#fff';
    } else {
      ctx.lineWidth = 3.2; ctx.strokeStyle = 'rgba(255,255,255,0.92)';
      ctx.strokeText(label.text, spot[0], spot[1]);
      ctx.fillStyle = label.colour;
    }
    ctx.fillText(label.text, spot[0], spot[1]);
  }
});

MI.overlap = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];

/* Where the numbered and larger markers stand: names keep off them. */
MI.markerBoxes = function (map) {
  const boxes = [], size = map.getSize();
  for (const key of ['missing_links', 'bottlenecks', 'dead_ends', 'conflicts']) {
    const shown = MI.overlays[key] && MI.overlays[key].shown;
    if (!shown || boxes.length > 400) continue;
    shown.eachLayer(path => {
      if (!(path instanceof MI.Marker)) return;
      const at = map.latLngToContainerPoint(path.getLatLng()), r = path.options.radius + 1;
      if (at.x > -20 && at.y > -20 && at.x < size.x + 20 && at.y < size.y + 20) boxes.push([at.x - r, at.y - r, at.x + r, at.y + r]);
    });
  }
  return boxes;
};

MI.FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans", sans-serif';
MI.PLACE_STYLE = {
  city: [8, 13, '#333', 600], town: [10, 12, '#3a3a3a', 500], suburb: [11.5, 11, '#555', 400],
  quarter: [13, 11, '#666', 400], village: [12.5, 11, '#555', 400], neighbourhood: [14, 10, '#666', 400],
  hamlet: [13.5, 10, '#666', 400]
};

/* All label candidates, the most important first; made anew when the language changes. */
MI.labels = function () {
  if (MI._labels) return MI._labels;
  const cities = MI.layers.cities, places = MI.layers.places, roads = MI.layers.roads, found = [];
  const known = new Set();
  const order = Array.from(cities.name.keys())
    .sort((a, b) => cities.is_core[b] - cities.is_core[a] || (cities.population[b] || 0) - (cities.population[a] || 0));
  for (const i of order) {
    if (cities.centre_lat[i] === null) continue;
    const text = MI.cityName(cities.city_id[i]);
    known.add(cities.name[i]); known.add(String(cities.name[i]).replace(/[市区县]$/, ''));
    found.push({ lat: cities.centre_lat[i], lng: cities.centre_lon[i], text,
      from: 0, size: MI.isNarrow() ? 12.5 : 15, font: '700 ' + (MI.isNarrow() ? 12.5 : 15) + 'px ' + MI.FONT, colour: '#14213d', dot: 3.5 });
  }
  for (let i = 0; i < places.n; i++) {
    const style = MI.PLACE_STYLE[places.place[i]];
    if (!style || known.has(places.name[i])) continue;
    found.push({ lat: places.geo.lat[i], lng: places.geo.lng[i], text: places.name[i], from: style[0],
      size: style[1], font: style[3] + ' ' + style[1] + 'px ' + MI.FONT, colour: style[2] });
  }
  const numbered = new Set();
  for (let i = 0; i < roads.n; i++) {
    if (!roads.ref[i] || roads.rank[i] > 2 || !roads.is_open[i]) continue;
    const at = MI.middle(roads.geo, i), text = roads.ref[i].split(';')[0].slice(0, 10);
    const spot = text + Math.round(at[0] * 4) + '/' + Math.round(at[1] * 4);
    if (numbered.has(spot)) continue;
    numbered.add(spot);
    found.push({ lat: at[0], lng: at[1], text, from: roads.rank[i] === 0 ? 8 : 10, size: 10,
      font: '600 10px ' + MI.FONT, box: roads.rank[i] === 0 ? '#3d7a57' : '#8a6d3b' });
  }
  // The names of roads near a border, for orientation at the place of a finding.
  const named = new Set();
  for (const i of MI.roadOrder.slice().reverse()) {
    if (!roads.name[i] || !roads.is_open[i]) continue;
    const at = MI.middle(roads.geo, i), spot = roads.name[i] + Math.round(at[0] * 60) + '/' + Math.round(at[1] * 60);
    if (named.has(spot)) continue;
    named.add(spot);
    found.push({ lat: at[0], lng: at[1], text: roads.name[i].slice(0, 40), from: roads.rank[i] <= 3 ? 12.5 : 13.5, size: 10.5,
      font: 'italic 500 10.5px ' + MI.FONT, colour: '#5b4a2f' });
  }
  MI._labels = found;
  return found;
};

/* --- markers ------------------------------------------------------------------ */

/* A circle marker drawn as circle, ring, square, diamond, triangle or cross, with an optional text. */
MI.Marker = L.CircleMarker.extend({
  _updatePath: function () {
    const renderer = this._renderer, options = this.options;
    if (!renderer._drawing || this._empty()) return;
    const ctx = renderer._ctx, p = this._point, r = options.radius;
    ctx.save();
    ctx.setLineDash([]);
    ctx.globalAlpha = options.opacity;
    ctx.beginPath();
    if (options.shape === 'square') ctx.rect(p.x - r * 0.9, p.y - r * 0.9, r * 1.8, r * 1.8);
    else if (options.shape === 'diamond') {
      ctx.moveTo(p.x, p.y - r * 1.25); ctx.lineTo(p.x + r * 1.25, p.y);
      ctx.lineTo(p.x, p.y + r * 1.25); ctx.lineTo(p.x - r * 1.25, p.y); ctx.closePath();
    } else if (options.shape === 'triangle') {
      ctx.moveTo(p.x, p.y - r * 1.2); ctx.lineTo(p.x + r * 1.15, p.y + r * 0.9);
      ctx.lineTo(p.x - r * 1.15, p.y + r * 0.9); ctx.closePath();
    } else ctx.arc(p.x, p.y, r, 0, 7);
    ctx.fillStyle = options.shape === 'ring' ? '#ffffff' : options.fillColor;
    ctx.fill();
    ctx.lineWidth = options.shape === 'ring' ? 2.4 : 1.5;
    ctx.strokeStyle = options.shape === 'ring' ? options.fillColor : '#ffffff';
    ctx.stroke();
    if (options.label) {
      ctx.font = '700 ' + (options.label.length > 1 ? 10 : 11) + 'px ' + MI.FONT;
      ctx.textAlign = 'center'; ctx.textBaseline = 'middle'; ctx.fillStyle = '#fff';
      ctx.fillText(options.label, p.x, p.y + 0.5);
    }
    ctx.restore();
  }
});
