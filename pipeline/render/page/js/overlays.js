/* The layers of the themes: how each is drawn, its legend, and whether it is on.
   Findings are Leaflet paths on one canvas, areas are canvas tiles (draw.js). */
MI.overlays = {};
MI.MEASURES = {
  commuting: ['minutes_to_core', 'minutes_to_core_peak', 'minutes_to_core_transit', 'minutes_to_nearest_centre',
    'population_60min', 'cross_border_share_60min_pct', 'transport_performance'],
  services: ['minutes_to_hospital', 'minutes_to_school', 'minutes_to_university', 'hospital_access', 'school_access', 'university_access']
};
MI.SERVICE_BREAKS = [5, 10, 20, 30, 60];

MI.overlayOrder = ['eco_zones', 'land', 'corridors', 'zones', 'isochrones', 'borders', 'rides', 'shared_rivers', 'stations',
  'services', 'crossings', 'sites', 'conflicts', 'bottlenecks', 'mapping_gaps', 'dead_ends', 'missing_links'];

MI.themes = {
  overview: ['borders', 'missing_links', 'bottlenecks', 'isochrones'],
  links: ['borders', 'missing_links', 'dead_ends', 'mapping_gaps'],
  bottlenecks: ['borders', 'bottlenecks', 'crossings'],
  commuting: ['borders', 'zones', 'isochrones', 'rides', 'stations'],
  services: ['borders', 'zones', 'services'],
  ecology: ['borders', 'eco_zones', 'land', 'corridors', 'shared_rivers', 'conflicts', 'sites'],
  integration: ['borders', 'missing_links', 'bottlenecks'],
  about: ['borders']
};
MI.offByDefault = { links: ['mapping_gaps'], commuting: ['isochrones', 'rides', 'stations'], ecology: ['land'], integration: ['missing_links', 'bottlenecks'] };

/* A finding at a line's middle as well as its line: a gap of 300 m is nothing at zoom 8. */
MI.lineWithMarker = function (layer, i, lineStyle, marker, bend) {
  const geo = MI.layers[layer].geo;
  const group = [];
  group.push(L.polyline(MI.latlngs(geo, i), Object.assign({ color: '#ffffff', opacity: 0.9, interactive: false }, lineStyle, { color: '#ffffff', weight: lineStyle.weight + 3, dashArray: null })));
  group.push(L.polyline(MI.latlngs(geo, i), lineStyle));
  if (marker) group.push(new MI.Marker(MI.middle(geo, i), marker));
  return group;
};

MI.bind = function (paths, layer, i) {
  for (const path of paths) {
    if (path.options.interactive === false) continue;
    path.options.bubblingMouseEvents = false;
    path.on('click', event => MI.select(layer, i, { at: event.latlng, stay: true }));
  }
  return paths;
};

MI.passes = function (layer, i) {
  const filters = MI.state.filters;
  const data = MI.layers[layer];
  return ['border_id', 'status', 'highway', 'kind'].every(column =>
    !filters[column] || !data[column] || (column === 'kind' && layer !== 'bottlenecks') || data[column][i] === filters[column]);
};

MI.vector = function (key, layer, draw) {
  return function () {
    const group = L.layerGroup(), data = MI.layers[layer];
    for (let i = data.n - 1; i >= 0; i--) {
      const paths = draw(data, i);
      if (paths) for (const path of MI.bind(paths, layer, i)) group.addLayer(path);
    }
    return group;
  };
};

MI.overlays.borders = {
  layer: 'borders',
  make: MI.vector('borders', 'borders', function (data, i) {
    const scored = MI.state.theme === 'integration';
    const score = scored ? MI.indexOf(data.border_id[i], null, MI.choice('dimension')) : null;
    const colour = scored ? MI.scoreColour(score && score.score) : '#4b3b66';
    const blank = scored && (!score || score.score === null);
    const line = MI.latlngs(data.geo, i);
    return [
      L.polyline(line, { color: scored && !blank ? '#3f3a33' : '#ffffff', weight: scored ? (blank ? 9 : 7.5) : 5, opacity: 0.85, interactive: false }),
      L.polyline(line, blank ? { color: '#8d8d8d', weight: 3, dashArray: '3 6' }
        : { color: colour, weight: scored ? 6 : 2.4, dashArray: scored ? null : '9 5 2 5', opacity: 1 })
    ];
  }),
  legend: function () {
    if (MI.state.theme !== 'integration') return [['line', { color: '#4b3b66', dash: '9 5 2 5' }, MI.t('legend.borders')]];
    const style = MI.data.style, edges = [0, ...style.scoreBreaks, 100];
    const items = style.scoreColours.map((color, n) => ['line', { color, width: 6 }, edges[n] + '\u2013' + edges[n + 1]]);
    items.push(['line', { color: '#8d8d8d', width: 3, dash: '3 4' }, MI.t('legend.no_score')]);
    return items;
  }
};

MI.scoreColour = function (score) {
  if (score === null || score === undefined) return '#8d8d8d';
  return MI.data.style.scoreColours[MI.classOf(score, MI.data.style.scoreBreaks)];
};

MI.overlays.missing_links = {
  layer: 'missing_links',
  make: MI.vector('missing_links', 'missing_links', function (data, i) {
    if (!MI.passes('missing_links', i)) return null;
    const style = MI.data.style.status[data.status[i]], rank = data.rank[i];
    const top = rank !== null && rank <= 20;
    return MI.lineWithMarker('missing_links', i,
      { color: style.color, weight: 4, dashArray: style.dash || null, opacity: 1 },
      { radius: (top ? 9 : 6) - (MI.isNarrow() ? 2 : 0), fillColor: style.color, opacity: 1, shape: 'circle', label: top ? String(rank) : null });
  }),
  legend: () => MI.statusLegend(MI.layers.missing_links, 'line', status => status !== 'mapping_gap')
    .concat([['badge', { color: '#555', label: '1' }, MI.t('legend.rank')]])
};

MI.statusLegend = function (data, shape, wanted) {
  const present = new Set(data.status);
  return Object.entries(MI.data.style.status).filter(([status]) => present.has(status) && wanted(status))
    .map(([status, style]) => [shape, style, MI.word('status', status)]);
};

MI.deadEndMarker = function (data, i) {
  const style = MI.data.style.status[data.status[i]];
  const open = data.kind[i] === 'open_end';
  const rail = data.end_type[i] === 'rail_end';
  return [new MI.Marker([data.geo.lat[i], data.geo.lng[i]], {
    radius: 4.5, fillColor: style.color, opacity: 1, shape: rail ? 'square' : open ? 'ring' : 'circle'
  })];
};

MI.overlays.dead_ends = {
  layer: 'dead_ends',
  count: data => data.status.filter(status => status !== 'mapping_gap').length,
  make: MI.vector('dead_ends', 'dead_ends', (data, i) =>
    (data.status[i] === 'mapping_gap' || !MI.passes('dead_ends', i) ? null : MI.deadEndMarker(data, i))),
  legend: () => [
    ...MI.statusLegend(MI.layers.dead_ends, 'dot', status => status !== 'mapping_gap'),
    ['ring', { color: '#555' }, MI.t('legend.open_end')], ['square', { color: '#555' }, MI.word('end_type', 'rail_end')]
  ]
};

MI.overlays.mapping_gaps = {
  layer: 'dead_ends',
  count: data => data.status.filter(status => status === 'mapping_gap').length,
  make: MI.vector('mapping_gaps', 'dead_ends', (data, i) =>
    (data.status[i] !== 'mapping_gap' || !MI.passes('dead_ends', i) ? null : MI.deadEndMarker(data, i))),
  legend: () => [['dot', MI.data.style.status.mapping_gap, MI.t('legend.mapping_gaps')]]
};

MI.overlays.bottlenecks = {
  layer: 'bottlenecks',
  make: MI.vector('bottlenecks', 'bottlenecks', function (data, i) {
    if (!MI.passes('bottlenecks', i)) return null;
    const style = MI.data.style.bottleneck[data.kind[i]];
    return MI.lineWithMarker('bottlenecks', i,
      { color: style.color, weight: 5, dashArray: style.dash || null, opacity: 1 },
      { radius: 6, fillColor: style.color, opacity: 1, shape: style.shape });
  }),
  legend: function () {
    const present = new Set(MI.layers.bottlenecks.kind);
    return Object.entries(MI.data.style.bottleneck).filter(([kind]) => present.has(kind))
      .map(([kind, style]) => [style.shape === 'circle' ? 'dot' : style.shape, style, MI.word('bottleneck', kind)]);
  }
};

MI.overlays.crossings = {
  layer: 'crossings',
  make: MI.vector('crossings', 'crossings', function (data, i) {
    if (!MI.passes('crossings', i)) return null;
    const load = data.load_share_pct[i];
    return [new MI.Marker([data.geo.lat[i], data.geo.lng[i]], {
      radius: load === null ? 3 : 3 + Math.sqrt(load) * 0.9, fillColor: '#33557a', opacity: 0.85, shape: 'circle'
    })];
  }),
  legend: () => [['dot', { color: '#33557a', radius: 3 }, MI.t('legend.crossing')], ['dot', { color: '#33557a', radius: 8 }, MI.t('legend.crossing_busy')]]
};

/* --- choropleths of zones ------------------------------------------------------- */

MI.measure = () => MI.choice(MI.state.theme === 'services' ? 'service_measure' : 'measure');

MI.measureScale = function () {
  const name = MI.measure(), style = MI.data.style;
  if (name.startsWith('minutes_')) {
    const near = name === 'minutes_to_hospital' || name === 'minutes_to_school' || name === 'minutes_to_university';
    return { breaks: near ? MI.SERVICE_BREAKS : style.minutesBreaks, colours: style.minutesColours, unit: 'min' };
  }
  const breaks = MI.quantiles(MI.layers.zones[name]);
  const unit = name.endsWith('_pct') || name === 'transport_performance' ? '%' : null;
  return { breaks, colours: style.quantileColours, unit };
};

MI.ZONE_OPACITY = 0.72;
MI.overlays.zones = {
  layer: 'zones',
  make: function () {
    const zones = MI.layers.zones, values = zones[MI.measure()], scale = MI.measureScale();
    return new MI.AreaLayer(zones.geo, i => (values[i] === null ? null : scale.colours[MI.classOf(values[i], scale.breaks)]), null, { opacity: MI.ZONE_OPACITY });
  },
  legend: function () {
    const scale = MI.measureScale(), unit = scale.unit;
    const show = value => (unit === 'min' || unit === '%' ? MI.number(value, 1) : MI.people(value));
    const items = scale.colours.slice(0, scale.breaks.length + 1).map((color, n) => {
      const from = n ? show(scale.breaks[n - 1]) : null, to = n < scale.breaks.length ? show(scale.breaks[n]) : null;
      const text = from === null ? '\u2264\u00a0' + to : to === null ? '>\u00a0' + from : from + '\u2013' + to;
      return ['fill', { color, opacity: MI.ZONE_OPACITY }, text + (unit === '%' ? '%' : unit ? '\u00a0' + MI.t('unit.' + unit) : '')];
    });
    if (!scale.breaks.length) return [['none', {}, MI.t('empty.measure')]];
    items.push(['none', {}, MI.t('legend.blank_zone')]);
    return items;
  }
};

MI.CIRCLE_FILL = 'rgba(38,132,214,0.32)';
MI.overlays.isochrones = {
  layer: 'isochrones',
  make: function () {
    const data = MI.layers.isochrones, style = MI.data.style;
    const centre = MI.choice('centre'), mode = MI.choice('mode');
    const overview = MI.state.theme === 'overview';
    const wanted = i => data.centre_id[i] === centre && data.mode[i] === mode && (!overview || data.minutes[i] === 60);
    // On the overview the circle is a backdrop: a heavy outline would drown the findings.
    const colour = i => (overview ? '#2171b5' : MI.isoColour(data.minutes[i]));
    return new MI.AreaLayer(data.geo, i => (wanted(i) && overview ? MI.CIRCLE_FILL : null),
      i => (wanted(i) && !overview ? { color: colour(i), width: data.minutes[i] === 60 ? 2.6 : 1.6 } : null), { pane: overview ? 'mi-areas' : 'mi-lines' });
  },
  legend: function () {
    const data = MI.layers.isochrones, centre = MI.choice('centre'), mode = MI.choice('mode');
    const found = new Set();
    for (let i = 0; i < data.n; i++) if (data.centre_id[i] === centre && data.mode[i] === mode) found.add(data.minutes[i]);
    const shown = [...found].sort((a, b) => a - b).filter(minutes => MI.state.theme !== 'overview' || minutes === 60);
    const overview = MI.state.theme === 'overview';
    return shown.map(minutes => [overview ? 'fill' : 'line', overview ? { color: MI.CIRCLE_FILL } : { color: MI.isoColour(minutes), width: minutes === 60 ? 3 : 2 },
      MI.t('legend.isochrone', { minutes, centre: MI.centreName(centre), mode: MI.word('mode', mode) })]);
  }
};

MI.isoColour = function (minutes) {
  return { 15: '#08306b', 30: '#08519c', 45: '#2171b5', 60: '#111111', 90: '#b34700' }[minutes] || '#555555';
};

/* --- transit, services ------------------------------------------------------------ */

MI.TRANSIT_COLOUR = { train: '#5a5560', highspeed: '#7b2d6b', subway: '#0072B2', light_rail: '#00795a', tram: '#b87900', bus: '#888888' };
MI.overlays.rides = {
  layer: 'rides',
  make: MI.vector('rides', 'rides', (data, i) => [L.polyline(MI.latlngs(data.geo, i), {
    color: MI.TRANSIT_COLOUR[data.mode[i]], weight: data.mode[i] === 'bus' ? 1.2 : 2.4, opacity: 0.9, dashArray: data.mode[i] === 'bus' ? '3 4' : null
  })]),
  legend: function () {
    const present = new Set(MI.layers.rides.mode);
    return Object.keys(MI.TRANSIT_COLOUR).filter(mode => present.has(mode))
      .map(mode => ['line', { color: MI.TRANSIT_COLOUR[mode], dash: mode === 'bus' ? '3 4' : '' }, MI.word('station', mode)]);
  }
};
MI.overlays.stations = {
  layer: 'stations',
  make: MI.vector('stations', 'stations', (data, i) => [new MI.Marker([data.geo.lat[i], data.geo.lng[i]], {
    radius: data.kind[i] === 'train' ? 4.5 : 3, fillColor: MI.TRANSIT_COLOUR[data.kind[i]], opacity: 1, shape: data.kind[i] === 'train' ? 'square' : 'circle'
  })]),
  legend: function () {
    const present = new Set(MI.layers.stations.kind);
    return Object.keys(MI.TRANSIT_COLOUR).filter(kind => present.has(kind))
      .map(kind => [kind === 'train' ? 'square' : 'dot', { color: MI.TRANSIT_COLOUR[kind], radius: 4 }, MI.t('legend.station', { kind: MI.word('station', kind) })]);
  }
};

MI.SERVICE_STYLE = { hospital: ['#D55E00', 'square'], university: ['#0072B2', 'diamond'], school: ['#7b2d6b', 'circle'], research: ['#00795a', 'triangle'] };
MI.overlays.services = {
  layer: 'services',
  make: MI.vector('services', 'services', function (data, i) {
    const [colour, shape] = MI.SERVICE_STYLE[data.kind[i]];
    return [new MI.Marker([data.geo.lat[i], data.geo.lng[i]], { radius: data.kind[i] === 'school' ? 2.6 : 4.2, fillColor: colour, opacity: 1, shape })];
  }),
  legend: function () {
    const present = new Set(MI.layers.services.kind);
    return Object.entries(MI.SERVICE_STYLE).filter(([kind]) => present.has(kind))
      .map(([kind, [color, shape]]) => [shape === 'circle' ? 'dot' : shape, { color, radius: 4 }, MI.word('service', kind)]);
  }
};

/* --- ecology ---------------------------------------------------------------------- */

MI.overlays.eco_zones = {
  layer: 'eco_zones',
  make: function () {
    const data = MI.layers.eco_zones, colours = MI.data.style.zone;
    return new MI.AreaLayer(data.geo, i => colours[data.zone[i]], () => ({ color: 'rgba(60,60,60,0.45)', width: 0.7 }), { opacity: 0.6 });
  },
  legend: () => Object.entries(MI.data.style.zone).map(([zone, color]) => ['fill', { color, opacity: 0.6 }, MI.word('zone', zone)])
};
MI.overlays.land = {
  layer: 'land',
  make: function () {
    const data = MI.layers.land, colours = MI.data.style.land;
    return new MI.AreaLayer(data.geo, i => colours[data.land_class[i]], null, { opacity: 0.85 });
  },
  legend: function () {
    const present = new Set(MI.layers.land.land_class);
    return Object.entries(MI.data.style.land).filter(([name]) => present.has(name)).map(([name, color]) => ['fill', { color }, MI.word('land', name)]);
  }
};
MI.overlays.corridors = {
  layer: 'corridors',
  make: function () {
    return new MI.AreaLayer(MI.layers.corridors.geo, () => 'rgba(0,90,60,0.35)', () => ({ color: '#00563b', width: 1.6, dash: [6, 3] }), {});
  },
  legend: () => [['fill', { color: 'rgba(0,90,60,0.35)', border: '#00563b' }, MI.t('legend.corridors')]]
};
MI.overlays.shared_rivers = {
  layer: 'shared_rivers',
  make: MI.vector('shared_rivers', 'shared_rivers', (data, i) => [L.polyline(MI.latlngs(data.geo, i), {
    color: '#08519c', weight: 3, opacity: 0.9, dashArray: data.relation[i] === 'follows' ? '10 5' : null
  })]),
  legend: () => [['line', { color: '#08519c' }, MI.word('river', 'crosses')], ['line', { color: '#08519c', dash: '10 5' }, MI.word('river', 'follows')]]
};
MI.overlays.conflicts = {
  layer: 'conflicts',
  make: MI.vector('conflicts', 'conflicts', function (data, i) {
    const style = MI.data.style.conflict[data.kind[i]];
    return MI.lineWithMarker('conflicts', i, { color: style.color, weight: 3, dashArray: style.dash || null, opacity: 1 },
      { radius: 5.5, fillColor: style.color, opacity: 1, shape: 'triangle' });
  }),
  legend: function () {
    const present = new Set(MI.layers.conflicts.kind);
    return Object.entries(MI.data.style.conflict).filter(([kind]) => present.has(kind)).map(([kind, style]) => ['triangle', style, MI.word('conflict', kind)]);
  }
};
MI.overlays.sites = {
  layer: 'sites',
  make: MI.vector('sites', 'sites', (data, i) => [new MI.Marker([data.geo.lat[i], data.geo.lng[i]], {
    radius: 4, fillColor: data.medium[i] === 'water' ? '#08519c' : '#6d6d6d', opacity: 1, shape: data.medium[i] === 'water' ? 'diamond' : 'square'
  })]),
  legend: () => [['diamond', { color: '#08519c', radius: 4 }, MI.word('medium', 'water')], ['square', { color: '#6d6d6d', radius: 4 }, MI.word('medium', 'air')]]
};

/* --- switching ---------------------------------------------------------------------- */

MI.countOf = function (key) {
  const overlay = MI.overlays[key], data = MI.layers[overlay.layer];
  return overlay.count ? overlay.count(data) : data.n;
};

/* Draw what is on, in the fixed order; made anew where `fresh` names it, or all. */
MI.refresh = function (fresh) {
  for (const key of MI.overlayOrder) {
    const overlay = MI.overlays[key], isOn = MI.on.has(key) && MI.countOf(key) > 0;
    const stale = fresh === true || (fresh && fresh.includes(key));
    if (overlay.shown && (!isOn || stale)) { MI.map.removeLayer(overlay.shown); overlay.shown = null; }
    if (stale) overlay.made = null;
    if (isOn && !overlay.shown) {
      overlay.made = overlay.made || overlay.make();
      overlay.shown = overlay.made;
      MI.map.addLayer(overlay.shown);
    }
  }
  for (const key of MI.overlayOrder) {
    const shown = MI.overlays[key].shown;
    if (shown && shown.eachLayer) shown.eachLayer(path => path.bringToFront && path.bringToFront());
  }
  MI.labelLayer.redraw();
};

MI.areaAt = function (latlng) {
  for (const key of ['corridors', 'land', 'eco_zones', 'zones']) {
    const shown = MI.overlays[key].shown;
    if (!shown) continue;
    const i = shown.hit(latlng);
    if (i >= 0) return [MI.overlays[key].layer, i];
  }
  return null;
};
