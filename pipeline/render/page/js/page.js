/* Start, theme and language switching, selection, search, deep links, print. */
MI.base = { land: true, water: true, rail: true, roads: true, labels: true };
MI.online = 'none';
MI.on = new Set();

MI.CHOICES = { measure: 'minutes_to_core', service_measure: 'minutes_to_hospital', mode: 'drive', times_mode: 'drive', dimension: 'overall' };
MI.choice = function (key) {
  if (MI.state.choice[key]) return MI.state.choice[key];
  if (key !== 'centre') return MI.CHOICES[key];
  const centres = MI.layers.centres, core = centres.kind.indexOf('core');
  const first = MI.layers.isochrones.centre_id;
  const id = core >= 0 ? centres.centre_id[core] : null;
  return first.includes(id) ? id : first[0];
};

MI.start = async function (map, basemaps) {
  MI.map = map; MI.basemaps = basemaps;
  try {
    MI.data = await MI.readBlob(document.getElementById('mi-blob').textContent);
  } catch (error) {
    document.querySelector('#mi-panel .loading').textContent = '\u6570\u636e\u65e0\u6cd5\u8bfb\u53d6 / the data of this page cannot be read: ' + error.message;
    throw error;
  }
  document.getElementById('mi-blob').remove();
  MI.layers = {};
  for (const [name, packed] of Object.entries(MI.data.layers)) MI.layers[name] = MI.unpack(packed);
  MI.data.layers = null;
  MI.makeIndices();
  MI.state.lang = MI.data.language;
  MI.setUpMap();
  MI.setUpControls();
  MI.applyHash();
  window.addEventListener('hashchange', () => { if (location.hash !== MI._hash) MI.applyHash(); });
  document.documentElement.dataset.ready = 'yes';
};

MI.makeIndices = function () {
  const index = (layer, column) => new Map(MI.layers[layer][column].map((id, i) => [id, i]));
  MI.cityIndex = index('cities', 'city_id');
  MI.borderIndex = index('borders', 'border_id');
  MI.linkIndex = index('missing_links', 'link_id');
  MI.centreIndex = index('centres', 'centre_id');
  const rank = MI.layers.roads.rank;
  MI.roadOrder = Array.from(rank.keys()).sort((a, b) => rank[b] - rank[a]);
};

MI.setUpMap = function () {
  const map = MI.map;
  const panes = { 'mi-ground': 210, 'mi-areas': 250, 'mi-network': 270, 'mi-lines': 280, 'mi-labels': 620 };
  for (const [name, z] of Object.entries(panes)) {
    const pane = map.createPane(name);
    pane.style.zIndex = z; pane.style.pointerEvents = 'none';
  }
  MI.ground = new MI.TileCanvas(MI.paintGround, { pane: 'mi-ground' }).addTo(map);
  MI.network = new MI.TileCanvas(MI.paintNetwork, { pane: 'mi-network' }).addTo(map);
  MI.labelLayer = new MI.LabelLayer().addTo(map);
  L.control.scale({ imperial: false, position: 'bottomleft' }).addTo(map);
  const Home = L.Control.extend({
    onAdd: function () {
      const button = MI.el('a', { class: 'home', href: '#', role: 'button', text: '\u2302', 'data-t-label': 'ui.home', onclick: event => { event.preventDefault(); MI.home(); } });
      return MI.el('div', { class: 'leaflet-bar' }, button);
    }
  });
  new Home({ position: 'topleft' }).addTo(map);
  if (MI.isNarrow()) document.getElementById('mi-legend').removeAttribute('open');
  map.options.maxZoom = 18; map.options.minZoom = 4;
  MI.home();
  map.on('click', event => {
    const hit = MI.areaAt(event.latlng);
    if (hit) MI.select(hit[0], hit[1], { at: event.latlng, stay: true });
    else if (MI.state.selected) { MI.state.selected = null; MI.markRow(); MI.writeHash(); }
  });
  map.on('moveend', () => MI.writeHash());
  map.on('popupopen', () => document.querySelector('.stage').classList.add('popup-open'));
  map.on('popupclose', () => document.querySelector('.stage').classList.remove('popup-open'));
};

MI.home = function () {
  const [west, south, east, north] = MI.data.bounds;
  MI.map.fitBounds([[south, west], [north, east]], {
    paddingTopLeft: [14, 14], paddingBottomRight: [window.innerWidth > 1100 ? 130 : 14, 14], animate: false
  });
};

MI.redrawBase = function () {
  MI.ground.redraw(); MI.network.redraw(); MI.labelLayer.redraw();
};

MI.setOnline = function (key) {
  if (MI.basemaps[MI.online]) MI.map.removeLayer(MI.basemaps[MI.online]);
  MI.online = key;
  if (MI.basemaps[key]) {
    MI.map.addLayer(MI.basemaps[key]);
    MI.map.removeLayer(MI.ground); MI.map.removeLayer(MI.network);
  } else {
    MI.map.addLayer(MI.ground); MI.map.addLayer(MI.network);
  }
  MI.renderSource();
};

/* --- theme and language --------------------------------------------------------- */

MI.setTheme = function (theme, quiet, on) {
  MI.state.theme = Object.hasOwn(MI.themes, theme) ? theme : 'overview';
  const off = MI.offByDefault[MI.state.theme] || [], asked = on === undefined ? null : on.split(',');
  MI.on = new Set(MI.themes[MI.state.theme].filter(key => (asked ? asked.includes(key) : !off.includes(key))));
  MI.map.closePopup();
  MI.refresh(quiet ? true : ['borders', 'zones', 'isochrones']);
  for (const tab of document.querySelectorAll('#mi-tabs button')) {
    const active = tab.dataset.theme === MI.state.theme;
    tab.setAttribute('aria-selected', String(active));
    tab.tabIndex = active ? 0 : -1;
    if (active && MI.isNarrow()) tab.scrollIntoView({ block: 'nearest', inline: 'center' });
  }
  document.getElementById('mi-panel').setAttribute('aria-labelledby', 'mi-tab-' + MI.state.theme);
  MI.renderPanel(); MI.renderLegend();
  if (!quiet) MI.writeHash();
};

MI.setLanguage = function (lang, quiet) {
  MI.state.lang = lang === 'zh' ? 'zh' : 'en';
  const root = document.documentElement, metro = MI.data.metro;
  root.lang = MI.state.lang === 'zh' ? 'zh-CN' : 'en';
  const name = MI.state.lang === 'zh' ? metro.name : metro.name_en;
  document.title = MI.t('page.title', { metro: name });
  document.getElementById('mi-title').textContent = MI.t('page.title', { metro: name });
  document.getElementById('mi-subtitle').textContent = MI.t('page.subtitle');
  const button = document.getElementById('mi-lang');
  button.textContent = MI.state.lang === 'zh' ? 'English' : '\u4e2d\u6587';
  button.lang = MI.state.lang === 'zh' ? 'en' : 'zh-CN';
  for (const element of document.querySelectorAll('[data-t]')) element.textContent = MI.t(element.dataset.t);
  for (const element of document.querySelectorAll('[data-t-label]')) element.setAttribute('aria-label', MI.t(element.dataset.tLabel));
  for (const element of document.querySelectorAll('[data-t-placeholder]')) element.placeholder = MI.t(element.dataset.tPlaceholder);
  document.querySelector('.leaflet-control-zoom-in').setAttribute('aria-label', MI.t('ui.zoom_in'));
  document.querySelector('.leaflet-control-zoom-out').setAttribute('aria-label', MI.t('ui.zoom_out'));
  document.querySelector('.home').title = MI.t('ui.home');
  for (const tab of document.querySelectorAll('#mi-tabs button')) tab.textContent = MI.t('theme.' + tab.dataset.theme);
  const banner = document.getElementById('mi-banner');
  banner.hidden = !MI.data.facts.is_synthetic;
  banner.textContent = banner.hidden ? '' : MI.t('ui.synthetic');
  document.getElementById('mi-index').href = 'index.html#lang=' + MI.state.lang;
  MI._labels = null; MI._searchIndex = null;
  MI.labelLayer.redraw();
  MI.renderSource(); MI.renderBasemap(); MI.renderLegend(); MI.renderPanel();
  if (MI.state.selected && MI.popup && MI.map.hasLayer(MI.popup)) MI.popup.setContent(MI.popupContent(MI.state.selected[0], MI.state.selected[1]));
  if (!quiet) MI.writeHash();
};

MI.renderSource = function () {
  const facts = MI.data.facts, footer = MI.clear(document.getElementById('mi-source'));
  const parts = [
    MI.t('source_line.' + (facts.is_synthetic ? 'synthetic'
      : facts.source_kind === 'vector' ? 'licence_vector' : 'licence')),
    MI.t('source_line.date', { date: facts.osm_snapshot || MI.t('ui.unknown') }),
    MI.word('source', facts.source_kind), MI.t('source_line.unofficial'), MI.t('source_line.potential')
  ];
  if (MI.online !== 'none') parts.push(MI.t('source_line.basemap_' + MI.online));
  footer.textContent = parts.join(' \u00b7 ');
};

/* --- selection --------------------------------------------------------------------- */

/* Show one finding: its overlay on, the map at it, its popup open, its row marked. */
MI.select = function (layer, i, options) {
  options = options || {};
  const geo = MI.layers[layer].geo;
  MI.state.selected = [layer, i];
  const overlay = MI.overlayOrder.find(key => MI.overlays[key].layer === layer &&
    (layer !== 'dead_ends' || (MI.layers.dead_ends.status[i] === 'mapping_gap') === (key === 'mapping_gaps')));
  if (overlay && !MI.on.has(overlay)) { MI.on.add(overlay); MI.refresh(); MI.renderLegend(); }
  const at = options.at || MI.middle(geo, i);
  if (!options.stay) MI.goTo(geo, i);
  if (!MI.popups[layer]) { MI.markRow(); MI.writeHash(); return; }
  MI.popup = L.popup({ maxWidth: MI.isNarrow() ? window.innerWidth - 80 : 420, autoPanPaddingTopLeft: MI.isNarrow() ? [8, 8] : [60, 20], autoPanPaddingBottomRight: MI.besideLegend() })
    .setLatLng(at).setContent(MI.popupContent(layer, i)).openOn(MI.map);
  const close = MI.popup.getElement().querySelector('.leaflet-popup-close-button');
  if (close) close.setAttribute('aria-label', MI.t('ui.close'));
  MI.markRow();
  if (!options.stay && MI.isNarrow()) {
    const stage = document.querySelector('.stage');
    // The banner of made-up data stays on top: the map goes below it.
    stage.style.scrollMarginTop = document.getElementById('mi-banner').offsetHeight + 'px';
    stage.scrollIntoView({ block: 'start' });
  }
  MI.writeHash();
};

/* Room that a popup leaves for the legend, where there is room for both. */
MI.besideLegend = function () {
  const legend = document.getElementById('mi-legend');
  return MI.isNarrow() || !legend.open || window.innerWidth < 1200 ? [8, 8] : [legend.offsetWidth + 22, 20];
};

MI.goTo = function (geo, i) {
  const box = L.latLngBounds(MI.bounds(geo, i));
  const target = Math.min(MI.map.getBoundsZoom(box.pad(geo.kind === 'polygon' ? 0.1 : 0.9)), 14);
  MI.map.setView(geo.kind === 'polygon' ? box.getCenter() : MI.middle(geo, i), Math.max(target, 5), { animate: false });
};

/* --- search ------------------------------------------------------------------------- */

MI.searchIndex = function () {
  if (MI._searchIndex) return MI._searchIndex;
  const found = [], layers = MI.layers;
  const add = (text, kind, layer, i, extra) => { if (text) found.push({ text, key: (text + ' ' + (extra || '')).toLowerCase(), kind, layer, i }); };
  for (let i = 0; i < layers.cities.n; i++) add(MI.cityName(layers.cities.city_id[i]), 'city', 'cities', i, layers.cities.name[i] + ' ' + (layers.cities.name_en[i] || ''));
  for (let i = 0; i < layers.missing_links.n; i++) add(MI.linkTitle(i), 'missing_link', 'missing_links', i, '#' + layers.missing_links.rank[i]);
  for (let i = 0; i < layers.dead_ends.n; i++) add(MI.roadLabel(layers.dead_ends.name[i], layers.dead_ends.ref[i]), 'dead_end', 'dead_ends', i);
  for (let i = 0; i < layers.bottlenecks.n; i++) add(MI.roadLabel(layers.bottlenecks.name[i], layers.bottlenecks.ref[i]), 'bottleneck', 'bottlenecks', i);
  for (let i = 0; i < layers.places.n; i++) add(layers.places.name[i], 'place', 'places', i);
  const seen = new Set();
  for (const i of MI.roadOrder.slice().reverse()) {
    const label = MI.roadLabel(layers.roads.name[i], layers.roads.ref[i]);
    if (!label || seen.has(label)) continue;
    seen.add(label);
    add(label, 'road', 'roads', i);
  }
  for (let i = 0; i < layers.stations.n; i++) add(layers.stations.name[i], 'station', 'stations', i);
  for (let i = 0; i < layers.services.n; i++) if (layers.services.kind[i] !== 'school') add(layers.services.name[i], 'service', 'services', i);
  for (let i = 0; i < layers.shared_rivers.n; i++) add(layers.shared_rivers.name[i], 'river', 'shared_rivers', i);
  MI._searchIndex = found;
  return found;
};

MI.search = function (text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const starts = [], holds = [];
  for (const entry of MI.searchIndex()) {
    const at = entry.key.indexOf(wanted);
    if (at === 0) starts.push(entry); else if (at > 0) holds.push(entry);
    if (starts.length >= 14) break;
  }
  return starts.concat(holds).slice(0, 14);
};

MI.setUpSearch = function () {
  const input = document.getElementById('mi-search'), list = document.getElementById('mi-results');
  let results = [], active = -1;
  function close() { list.hidden = true; input.setAttribute('aria-expanded', 'false'); input.removeAttribute('aria-activedescendant'); active = -1; }
  function mark() {
    Array.from(list.children).forEach((item, n) => item.setAttribute('aria-selected', String(n === active)));
    if (active >= 0) { input.setAttribute('aria-activedescendant', 'mi-result-' + active); list.children[active].scrollIntoView({ block: 'nearest' }); }
  }
  function choose(n) {
    const entry = results[n];
    if (!entry) return;
    close();
    input.value = entry.text;
    MI.select(entry.layer, entry.i);
  }
  function show() {
    results = MI.search(input.value);
    active = -1;
    MI.clear(list);
    if (!input.value.trim()) { close(); return; }
    if (!results.length) list.append(MI.el('li', { class: 'nothing', role: 'option', 'aria-disabled': 'true', text: MI.t('ui.nothing_found') }));
    results.forEach((entry, n) => list.append(MI.el('li', { role: 'option', id: 'mi-result-' + n, 'aria-selected': 'false', onmousedown: event => { event.preventDefault(); choose(n); } },
      MI.el('span', { text: entry.text, dir: 'auto' }), MI.el('span', { text: MI.t('found.' + entry.kind) }))));
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
  }
  input.addEventListener('input', show);
  input.addEventListener('focus', () => { if (input.value) show(); });
  input.addEventListener('blur', close);
  input.addEventListener('keydown', event => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!results.length) return;
      active = (active + (event.key === 'ArrowDown' ? 1 : results.length - 1) + (active < 0 && event.key === 'ArrowUp' ? 1 : 0)) % results.length;
      mark();
    } else if (event.key === 'Enter') { event.preventDefault(); choose(Math.max(active, 0)); }
    else if (event.key === 'Escape') close();
  });
};

/* --- deep links ------------------------------------------------------------------------ */

MI.KEYS = { missing_links: 'link_id', dead_ends: 'dead_end_id', bottlenecks: 'bottleneck_id', crossings: 'crossing_id', borders: 'border_id',
  conflicts: 'conflict_id', corridors: 'corridor_id', shared_rivers: 'river_id', sites: 'site_id', eco_zones: 'segment_id', zones: 'cell', cities: 'city_id',
  stations: 'station_id', services: 'service_id' };

MI.writeHash = function () {
  if (!MI._started) return;
  const centre = MI.map.getCenter(), selected = MI.state.selected;
  const parts = ['theme=' + MI.state.theme, 'map=' + MI.map.getZoom() + '/' + centre.lat.toFixed(5) + '/' + centre.lng.toFixed(5), 'lang=' + MI.state.lang, ...MI.hashOfView()];
  if (selected && MI.KEYS[selected[0]]) parts.push('at=' + selected[0] + ':' + encodeURIComponent(MI.layers[selected[0]][MI.KEYS[selected[0]]][selected[1]]));
  MI._hash = '#' + parts.join('&');
  try { history.replaceState(null, '', MI._hash); } catch (error) { /* some browsers forbid it for files: the page works without */ }
};

/* What differs from the theme's own: layers on, choices, filters. */
MI.hashOfView = function () {
  const theme = MI.state.theme, off = MI.offByDefault[theme] || [];
  const usual = MI.themes[theme].filter(key => !off.includes(key)), on = MI.themes[theme].filter(key => MI.on.has(key));
  const parts = [];
  if (on.join() !== usual.join()) parts.push('on=' + on.join(','));
  for (const [name, table] of [['choose', MI.state.choice], ['filter', MI.state.filters]]) {
    for (const [key, value] of Object.entries(table)) if (value) parts.push(name + '.' + key + '=' + encodeURIComponent(value));
  }
  return parts;
};

MI.takeView = function (wanted) {
  MI.state.choice = {}; MI.state.filters = {};
  for (const [key, value] of Object.entries(wanted)) {
    const dot = key.indexOf('.'), name = key.slice(dot + 1);
    if (key.startsWith('choose.') && (name === 'centre' || MI.CHOICES[name])) MI.state.choice[name] = MI.decoded(value);
    if (key.startsWith('filter.') && MI.FILTERS.includes(name)) MI.state.filters[name] = MI.decoded(value);
  }
  MI.checkChoices();
};

/* A link may be old or typed by hand: a choice that is not on offer counts as none. */
MI.checkChoices = function () {
  const choice = MI.state.choice, of = (key, all) => { if (choice[key] && !all.includes(choice[key])) delete choice[key]; };
  of('measure', MI.MEASURES.commuting); of('service_measure', MI.MEASURES.services);
  of('dimension', MI.DIMENSIONS); of('centre', MI.layers.isochrones.centre_id); of('mode', MI.layers.isochrones.mode);
  of('times_mode', MI.layers.centre_times.mode);
};

MI.decoded = function (text) {
  try { return decodeURIComponent(text); } catch (error) { return null; }
};

MI.FILTERS = ['border_id', 'status', 'highway', 'kind'];

MI.copyLink = async function (button) {
  MI.writeHash();
  const text = location.href.split('#')[0] + MI._hash;
  let done = false;
  try { await navigator.clipboard.writeText(text); done = true; } catch (error) { done = MI.copyByHand(text); }
  button.textContent = done ? MI.t('ui.copied') : text;
};

/* Pages from disk may have no clipboard of their own. */
MI.copyByHand = function (text) {
  const area = MI.el('textarea', { 'aria-hidden': 'true', style: 'position:fixed;opacity:0' });
  area.value = text;
  document.body.append(area);
  area.select();
  let done = false;
  try { done = document.execCommand('copy'); } catch (error) { done = false; }
  area.remove();
  return done;
};

MI.applyHash = function () {
  const wanted = Object.fromEntries(location.hash.slice(1).split('&').map(part => { const at = part.indexOf('='); return [part.slice(0, at), part.slice(at + 1)]; }));
  MI.takeView(wanted);
  MI.setLanguage(wanted.lang || MI.state.lang, true);
  MI.setTheme(wanted.theme || MI.state.theme, true, wanted.on);
  const view = (wanted.map || '').split('/').map(Number);
  if (view.length === 3 && view.every(isFinite)) MI.map.setView([view[1], view[2]], view[0], { animate: false });
  if (wanted.at) {
    const split = wanted.at.indexOf(':'), layer = wanted.at.slice(0, split), key = MI.KEYS[layer];
    const id = MI.decoded(wanted.at.slice(split + 1));
    const i = key && MI.layers[layer] ? MI.layers[layer][key].indexOf(id) : -1;
    if (i >= 0) MI.select(layer, i, { stay: view.length === 3 });
  }
  MI._started = true;
  MI.writeHash();
};

/* --- controls ---------------------------------------------------------------------------- */

MI.setUpControls = function () {
  const tabs = document.getElementById('mi-tabs'), names = Object.keys(MI.themes);
  for (const theme of names) {
    tabs.append(MI.el('button', { type: 'button', role: 'tab', id: 'mi-tab-' + theme, 'data-theme': theme, 'aria-controls': 'mi-panel', onclick: () => MI.setTheme(theme) }));
  }
  tabs.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = names[(names.indexOf(MI.state.theme) + step + names.length) % names.length];
    MI.setTheme(next);
    document.getElementById('mi-tab-' + next).focus();
  });
  document.getElementById('mi-lang').addEventListener('click', () => MI.setLanguage(MI.state.lang === 'zh' ? 'en' : 'zh'));
  document.getElementById('mi-print').addEventListener('click', () => window.print());
  MI.setUpSearch();
  window.addEventListener('resize', MI.measureForPrint);
  window.addEventListener('beforeprint', MI.measureForPrint);
  MI.measureForPrint();
};

/* A canvas cannot be redrawn while the browser prints: the map keeps its size on paper and is
   scaled to the width of the page (186 mm is 703 CSS pixels) by the style sheet. */
MI.measureForPrint = function () {
  if (window.matchMedia('print').matches) return;
  const stage = document.querySelector('.stage'), box = stage.getBoundingClientRect();
  stage.style.setProperty('--print-width', box.width + 'px');
  stage.style.setProperty('--print-height', box.height + 'px');
  stage.style.setProperty('--print-zoom', Math.min(1.6, 700 / box.width).toFixed(4));
};
