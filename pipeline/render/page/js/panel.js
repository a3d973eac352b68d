/* The panel: figures, tables and notes of the chosen theme. Rebuilt when theme or language changes. */
MI.panels = {};

MI.heading = (key, level) => MI.el(level || 'h3', { text: MI.t(key) });
MI.para = (key, values, kind) => MI.el('p', { class: kind || null, text: MI.t(key, values) });
MI.none = key => MI.el('p', { class: 'nothing', text: MI.t(key) });

MI.figureGrid = function (entries) {
  const list = MI.el('dl', { class: 'figures' });
  for (const [key, value, note] of entries) {
    list.append(MI.el('div', {}, MI.el('dt', { text: MI.t(key) }),
      MI.el('dd', {}, value === null || value === undefined ? MI.t('ui.unknown') : value, note ? MI.el('small', { text: note }) : null)));
  }
  return list;
};

/* columns: [{key, value(i), num, sort}]; rows: indices; select: layer whose feature a row opens. */
MI.table = function (caption, columns, rows, layer, limit) {
  const body = MI.el('tbody'), shown = { count: limit || 30 };
  const head = MI.el('tr', {}, columns.map(column => MI.el('th', { scope: 'col', class: column.num ? 'num' : null, text: MI.t(column.key) })));
  const box = MI.el('div', { class: 'tablebox', role: 'region', tabindex: '0', 'aria-label': caption },
    MI.el('table', { 'data-layer': layer }, MI.el('caption', { text: caption }), MI.el('thead', {}, head), body));
  const more = MI.el('button', { type: 'button', class: 'more' });
  function fill(from, to) {
    for (const i of rows.slice(from, to)) {
      const cells = columns.map((column, n) => {
        let value = column.value(i);
        if (value === null || value === undefined || value === '') value = '\u2013';
        if (layer && n === (columns.lead || 0)) value = MI.el('button', { type: 'button', class: 'inline', dir: 'auto' }, value);
        const cell = MI.el('td', { class: column.num ? 'num' : null, dir: column.text ? 'auto' : null }, value);
        const under = column.under ? column.under(i) : null;
        if (under !== null && under !== undefined) cell.append(MI.el('small', { class: 'under', dir: 'auto', text: under }));
        if (column.style) column.style(cell, i);
        return cell;
      });
      const row = MI.el('tr', { class: layer ? 'link' : null, 'data-i': layer ? i : null }, cells);
      if (layer) row.addEventListener('click', event => { if (!event.target.closest('a')) MI.select(layer, i); });
      body.append(row);
    }
  }
  fill(0, shown.count);
  more.addEventListener('click', () => { fill(shown.count, shown.count + 200); shown.count += 200; label(); });
  function label() {
    more.hidden = shown.count >= rows.length;
    more.textContent = MI.t('ui.more', { n: rows.length - shown.count });
  }
  label();
  return MI.el('div', {}, box, more);
};

MI.choices = function () {
  return MI.el('div', { class: 'choices' }, Array.from(arguments));
};

MI.select_ = function (key, value, options, change) {
  const select = MI.el('select', { 'data-choice': key, onchange: event => change(event.target.value) },
    options.map(([id, text]) => MI.el('option', { value: id, selected: id === value, text })));
  return MI.el('label', {}, MI.t('choice.' + key), select);
};

MI.filterBar = function (layer, columns) {
  const data = MI.layers[layer], kinds = { status: 'status', highway: 'highway', kind: 'bottleneck' };
  const bar = MI.el('div', { class: 'choices', role: 'group', 'aria-label': MI.t('ui.filter') });
  for (const column of columns) {
    const values = [...new Set(data[column])].filter(value => value !== null);
    if (MI.state.filters[column] && !values.includes(MI.state.filters[column])) values.push(MI.state.filters[column]);
    const options = values.map(value => [value, column === 'border_id' ? MI.borderName(value) : MI.word(kinds[column], value)])
      .sort((a, b) => a[1].localeCompare(b[1], MI.state.lang));
    bar.append(MI.select_(column, MI.state.filters[column] || '', [['', MI.t('ui.all')], ...options], value => {
      MI.state.filters[column] = value || undefined;
      MI.refresh(['missing_links', 'dead_ends', 'mapping_gaps', 'bottlenecks', 'crossings']);
      MI.writeHash(); MI.renderPanel('select[data-choice="' + column + '"]');
    }));
  }
  return bar;
};

MI.rows = (layer, test) => Array.from({ length: MI.layers[layer].n }, (_, i) => i).filter(i => MI.passes(layer, i) && (!test || test(i)));

MI.swatch = function (colour) {
  const element = MI.el('span', { class: 'swatch', 'aria-hidden': 'true' });
  element.style.background = colour;
  return element;
};

/* --- overview --------------------------------------------------------------- */

MI.panels.overview = function () {
  const f = MI.data.figures, n = MI.number;
  const circle = mode => (f['circle_' + mode + '_people_pct'] === null ? null : MI.percent(f['circle_' + mode + '_people_pct'], 0));
  const area = mode => (f['circle_' + mode + '_area_pct'] === null ? null : MI.t('figure.of_area', { share: MI.percent(f['circle_' + mode + '_area_pct'], 0) }));
  const overall = MI.data.index.overall;
  return [
    MI.heading('theme.overview', 'h2'), MI.para('intro.overview', null, 'lead'), MI.unmappedNotice(),
    MI.figureGrid([
      ['figure.cities', n(f.cities), MI.t('figure.border_note', { borders: n(f.borders), km: n(f.border_km) })],
      ['figure.population', MI.people(f.population), MI.unit(f.area_km2, 'km2')],
      ['figure.missing_links', n(f.missing_links), MI.t('figure.links_note', {
        build: n(f.links_to_build), doing: n(f.links_under_construction), natural: n(f.links_natural_barrier) })],
      ['figure.dead_ends', n(f.dead_ends), MI.t('figure.gaps_note', { n: n(f.mapping_gaps) })],
      ['figure.bottlenecks', n(f.bottlenecks), MI.t('figure.bottleneck_note')],
      ['figure.crossings', n(f.crossings), f.crossings_per_100km === null ? null : MI.t('figure.per_100km', { n: n(f.crossings_per_100km, 1) })],
      ['figure.circle_drive', circle('drive'), area('drive')],
      ['figure.circle_peak', circle('peak'), area('peak')],
      ['figure.circle_transit', circle('transit'), area('transit')],
      ['figure.border_effect', MI.percent(f.border_effect_pct, 0), MI.t('figure.border_effect_note')],
      ['figure.belt_unknown', MI.percent(f.belt_unknown_pct, 0), MI.t('figure.belt_note')],
      ['figure.index', overall && overall.score !== null ? n(overall.score) + ' / 100' : null,
        overall && overall.score !== null ? MI.t('figure.interval', { low: n(overall.low), high: n(overall.high) }) : null]
    ]),
    MI.heading('table.cities'), MI.cityTable(),
    MI.heading('table.borders'), MI.borderTable()
  ];
};

MI.cityTable = function () {
  const cities = MI.layers.cities;
  const rows = Array.from({ length: cities.n }, (_, i) => i).sort((a, b) => (cities.population[b] || 0) - (cities.population[a] || 0));
  return MI.table(MI.t('caption.cities'), [
    { key: 'column.city', text: true, value: i => MI.cityName(cities.city_id[i]) + (cities.is_core[i] ? ' \u2605' : '') },
    { key: 'column.population', num: true, value: i => MI.people(cities.population[i]) },
    { key: 'column.area', num: true, value: i => MI.number(cities.area_km2[i]) }
  ], rows, 'cities');
};

MI.borderTable = function () {
  const borders = MI.layers.borders;
  if (!borders.n) return MI.none('empty.borders');
  const count = (layer, id, skip) => MI.layers[layer].border_id.filter((each, i) => each === id && !(skip && skip(MI.layers[layer], i))).length;
  const rows = Array.from({ length: borders.n }, (_, i) => i).sort((a, b) => borders.length_km[b] - borders.length_km[a]);
  return MI.table(MI.t('caption.borders'), [
    { key: 'column.border', text: true, value: i => MI.borderName(borders.border_id[i]) },
    { key: 'column.length', num: true, value: i => MI.number(borders.length_km[i]) },
    { key: 'column.links', num: true, value: i => MI.number(count('missing_links', borders.border_id[i], (d, k) => d.status[k] === 'mapping_gap')) },
    { key: 'column.bottlenecks', num: true, value: i => MI.number(count('bottlenecks', borders.border_id[i], (d, k) => !MI.data.style.bottleneck[d.kind[k]].is_counted)) },
    { key: 'column.crossings', num: true, value: i => MI.number(count('crossings', borders.border_id[i])) },
    { key: 'column.brief', value: i => MI.briefLink(borders.border_id[i]) }
  ], rows, 'borders');
};

/* Most of the belt unmapped: say so, and how to mend it. */
MI.unmappedNotice = function () {
  const share = MI.data.figures.belt_unknown_pct;
  const bad = Object.entries(MI.data.belt_unknown).filter(entry => entry[1] >= 50);
  if (share === null || (share < 50 && !bad.length)) return null;
  const names = bad.map(([id, value]) => MI.borderName(id) + ' ' + MI.percent(value, 0)).join(MI.t('ui.comma'));
  return MI.el('div', { class: 'notice', role: 'note' },
    MI.el('p', { text: share >= 50 ? MI.t('notice.unmapped', { share: MI.percent(share, 0) }) : MI.t('notice.unmapped_some', { names }) }),
    MI.el('p', { text: MI.t('notice.add_raster') }),
    MI.el('pre', { tabindex: '0', text: '[land_cover]\nraster = "ESA_WorldCover_10m_2021.tif"\nlegend = "worldcover"' }));
};

/* --- dead ends and missing links --------------------------------------------- */

MI.panels.links = function () {
  const links = MI.layers.missing_links, ends = MI.layers.dead_ends;
  const rows = MI.rows('missing_links', i => links.status[i] !== 'mapping_gap');
  const endRows = MI.rows('dead_ends', i => ends.status[i] !== 'mapping_gap');
  const parts = [MI.heading('theme.links', 'h2'), MI.para('intro.links', null, 'lead'), MI.filterBar('missing_links', ['border_id', 'status', 'highway'])];
  parts.push(MI.heading('table.missing_links'));
  if (!links.n) parts.push(MI.none('empty.missing_links'));
  else if (!rows.length) parts.push(MI.none('empty.filter'));
  else parts.push(MI.linkTable(rows));
  parts.push(MI.heading('table.dead_ends'));
  if (!ends.n) parts.push(MI.none('empty.dead_ends'));
  else if (!endRows.length) parts.push(MI.none('empty.filter'));
  else parts.push(MI.deadEndTable(endRows));
  parts.push(MI.heading('table.placebo'), MI.para('intro.placebo', null, 'lead'), MI.placeboTable());
  return parts;
};

MI.linkTable = function (rows) {
  const links = MI.layers.missing_links, status = MI.data.style.status;
  const columns = [
    { key: 'column.rank', num: true, value: i => links.rank[i] },
    { key: 'column.link', text: true, value: i => MI.linkTitle(i), under: i => MI.borderName(links.border_id[i]) },
    { key: 'column.status', value: i => MI.el('span', { class: 'state' }, MI.swatch(status[links.status[i]].color), MI.word('status', links.status[i])),
      under: i => (links.obstacle[i] === 'none' ? null : MI.word('obstacle', links.obstacle[i])) },
    { key: 'column.gap', num: true, value: i => MI.distance(links.gap_m[i]),
      under: i => (links.detour_ratio[i] === null ? MI.t('popup.no_way_round') : MI.t('column.detour_times', { n: MI.number(links.detour_ratio[i], 1) })) },
    { key: 'column.gain', num: true, value: i => (links.gain_person_min_a[i] === null ? null : MI.people(links.gain_person_min_a[i] + links.gain_person_min_b[i])),
      under: i => { const share = MI.shares(links.benefit_share_a_pct[i]); return share && share.join(' : '); } }
  ];
  columns.lead = 1;
  return MI.table(MI.t('caption.missing_links'), columns, rows, 'missing_links');
};

MI.deadEndTable = function (rows) {
  const ends = MI.layers.dead_ends;
  rows = rows.sort((a, b) => ends.confidence[b] - ends.confidence[a]);
  return MI.table(MI.t('caption.dead_ends'), [
    { key: 'column.road', text: true, value: i => MI.roadLabel(ends.name[i], ends.ref[i]) || MI.unnamed('popup.unnamed', ends.highway[i], ends.near[i]), under: i => MI.cityName(ends.city_id[i]) },
    { key: 'column.end_type', value: i => MI.word('end_type', ends.end_type[i]), under: i => MI.word('status', ends.status[i]) },
    { key: 'column.faces', value: i => MI.word('kind', ends.kind[i]) },
    { key: 'column.to_border', num: true, value: i => MI.distance(ends.distance_to_border_m[i]) },
    { key: 'column.confidence', num: true, value: i => MI.number(ends.confidence[i], 2) }
  ], rows, 'dead_ends', 15);
};

MI.placeboTable = function () {
  const data = MI.layers.placebo;
  if (!data.n) return MI.none('empty.placebo');
  const rows = Array.from({ length: data.n }, (_, i) => i).filter(i => data.here[i] !== null || data.mean[i] !== null);
  const range = i => (data.low[i] === null ? null : MI.number(data.low[i], 1) + '\u2013' + MI.number(data.high[i], 1));
  return MI.table(MI.t('caption.placebo'), [
    { key: 'column.border', text: true, value: i => MI.borderName(data.border_id[i]) },
    { key: 'column.what', value: i => MI.t('placebo.' + data.what[i]) },
    { key: 'column.here', num: true, value: i => MI.number(data.here[i], 1) },
    { key: 'column.shifted', num: true, value: i => MI.number(data.mean[i], 1) },
    { key: 'column.range', num: true, value: range }
  ], rows, null, 12);
};

/* --- bottlenecks -------------------------------------------------------------- */

MI.panels.bottlenecks = function () {
  const narrow = MI.layers.bottlenecks, busy = MI.layers.crossings;
  const rows = MI.rows('bottlenecks'), crossRows = MI.rows('crossings');
  const parts = [MI.heading('theme.bottlenecks', 'h2'), MI.para('intro.bottlenecks', null, 'lead'), MI.filterBar('bottlenecks', ['border_id', 'kind', 'highway'])];
  parts.push(MI.heading('table.bottlenecks'));
  if (!narrow.n) parts.push(MI.none('empty.bottlenecks'));
  else if (!rows.length) parts.push(MI.none('empty.filter'));
  else {
    parts.push(MI.table(MI.t('caption.bottlenecks'), [
      { key: 'column.road', text: true, value: i => MI.roadLabel(narrow.name[i], narrow.ref[i]) || MI.word('highway', narrow.highway[i]), under: i => MI.borderName(narrow.border_id[i]) },
      { key: 'column.kind', value: i => MI.word('bottleneck', narrow.kind[i]) },
      { key: 'column.ratio', num: true, value: i => MI.number(narrow.capacity_ratio[i], 2) },
      { key: 'column.load', num: true, value: i => MI.percent(narrow.load_share_pct[i], 0) }
    ], rows, 'bottlenecks'));
  }
  parts.push(MI.heading('table.crossings'));
  if (!busy.n) parts.push(MI.none('empty.crossings'));
  else if (!crossRows.length) parts.push(MI.none('empty.filter'));
  else {
    parts.push(MI.table(MI.t('caption.crossings'), [
      { key: 'column.road', text: true, value: i => MI.roadLabel(busy.name[i], busy.ref[i]) || MI.word('highway', busy.highway[i]), under: i => MI.borderName(busy.border_id[i]) },
      { key: 'column.class', value: i => MI.word('highway', busy.highway[i]) },
      { key: 'column.lanes', num: true, value: i => MI.number(busy.lanes[i], 1) },
      { key: 'column.load', num: true, value: i => MI.percent(busy.load_share_pct[i], 1) }
    ], crossRows, 'crossings', 20));
  }
  return parts;
};

/* --- commuting ----------------------------------------------------------------- */

MI.measureChoice = function (key, names) {
  return MI.select_(key, MI.choice(key), names.map(name => [name, MI.t('measure.' + name)]), value => {
    MI.state.choice[key] = value;
    MI.refresh(['zones']); MI.renderLegend(); MI.writeHash();
  });
};

MI.isochroneChoices = function () {
  const data = MI.layers.isochrones;
  if (!data.n) return null;
  const centres = [...new Set(data.centre_id)].map(id => [id, MI.centreName(id)]);
  const modes = [...new Set(data.mode)].map(mode => [mode, MI.word('mode', mode)]);
  const change = key => value => {
    MI.state.choice[key] = value;
    MI.on.add('isochrones');
    MI.refresh(['isochrones']); MI.renderLegend(); MI.writeHash();
  };
  return MI.choices(MI.select_('centre', MI.choice('centre'), centres, change('centre')), MI.select_('mode', MI.choice('mode'), modes, change('mode')));
};

MI.panels.commuting = function () {
  const f = MI.data.figures, zones = MI.layers.zones;
  const share = (mode, what) => MI.percent(f['circle_' + mode + '_' + what + '_pct'], 1);
  const parts = [MI.heading('theme.commuting', 'h2'), MI.para('intro.commuting', null, 'lead')];
  if (zones.n) parts.push(MI.choices(MI.measureChoice('measure', MI.MEASURES.commuting)));
  else parts.push(MI.none('empty.zones'));
  parts.push(MI.heading('table.circle'), MI.figureGrid(['drive', 'peak', 'transit'].map(mode =>
    ['figure.circle_' + mode, share(mode, 'people'), share(mode, 'area') === null ? null : MI.t('figure.of_area', { share: share(mode, 'area') })])));
  parts.push(MI.circleTable());
  parts.push(MI.heading('table.isochrones'), MI.isochroneChoices() || MI.none('empty.isochrones'));
  parts.push(MI.heading('table.centre_times'), MI.timesTable());
  parts.push(MI.heading('table.border_effect'), MI.para('intro.border_effect', null, 'lead'), MI.effectTable());
  parts.push(MI.para('note.transit', null, 'lead'), MI.para(MI.data.has_population_raster ? 'note.population_raster' : 'note.population_estimated', null, 'lead'));
  return parts;
};

/* Share of each city's people within an hour of the core, by mode. */
MI.circleTable = function () {
  const data = MI.layers.circle, modes = ['drive', 'drive_peak', 'transit'].filter(mode => data.mode.includes(mode));
  if (!data.n) return null;
  const share = new Map();
  for (let i = 0; i < data.n; i++) share.set(data.city_id[i] + '\n' + data.mode[i], data.population_share_pct[i]);
  const ids = [...new Set(data.city_id)], of = (n, mode) => share.get(ids[n] + '\n' + mode);
  const rows = ids.map((_, n) => n).sort((a, b) => (of(b, modes[0]) || 0) - (of(a, modes[0]) || 0));
  return MI.table(MI.t('caption.circle'), [
    { key: 'column.city', text: true, value: n => MI.cityName(ids[n]) },
    ...modes.map(mode => ({ key: 'mode.' + mode, num: true, value: n => { const value = of(n, mode); return value === undefined ? null : MI.percent(value, 1); } }))
  ], rows, null, 60);
};

MI.timesTable = function () {
  const data = MI.layers.centre_times;
  if (!data.n) return MI.none('empty.centre_times');
  const ids = [...new Set(data.from_id)], modes = [...new Set(data.mode)], mode = modes.includes(MI.choice('times_mode')) ? MI.choice('times_mode') : modes[0];
  const minutes = new Map(), reasons = new Map();
  for (let i = 0; i < data.n; i++) if (data.mode[i] === mode) {
    minutes.set(data.from_id[i] + '\n' + data.to_id[i], data.minutes[i]);
    reasons.set(data.from_id[i] + '\n' + data.to_id[i], data.reason[i]);
  }
  const head = MI.el('tr', {}, MI.el('th', { scope: 'col', class: 'nowrap', text: MI.t('column.from_to') }), ids.map(id => MI.el('th', { scope: 'col', class: 'num', text: MI.centreName(id) })));
  const body = MI.el('tbody', {}, ids.map(from => MI.el('tr', {}, MI.el('th', { scope: 'row', class: 'nowrap', text: MI.centreName(from) }), ids.map(to => {
    const value = minutes.get(from + '\n' + to);
    const cell = MI.el('td', { class: 'num', text: from === to ? '' : value === null || value === undefined ? '\u2013' : MI.number(value) });
    if (from !== to && value !== null && value !== undefined) {
      const n = MI.classOf(value, MI.data.style.minutesBreaks);
      cell.style.background = MI.data.style.minutesColours[n];
      cell.style.color = [0, 1].includes(n) ? '#fff' : '#111';
      if (n === 5) cell.style.color = '#fff';
      if (n === 5) cell.style.background = '#b34000';
    } else if (reasons.get(from + '\n' + to)) cell.append(MI.el('small', { class: 'under', text: MI.word('reason', reasons.get(from + '\n' + to)) }));
    return cell;
  }))));
  const choose = MI.choices(MI.select_('times_mode', mode, modes.map(each => [each, MI.word('mode', each)]), value => {
    MI.state.choice.times_mode = value; MI.renderPanel('select[data-choice="times_mode"]');
  }));
  return MI.el('div', {}, choose, MI.el('div', { class: 'tablebox', role: 'region', tabindex: '0', 'aria-label': MI.t('caption.centre_times') },
    MI.el('table', {}, MI.el('caption', { text: MI.t('caption.centre_times') }), MI.el('thead', {}, head), body)));
};

MI.effectTable = function () {
  const data = MI.layers.border_effect;
  if (!data.n) return MI.none('empty.border_effect');
  const rows = Array.from({ length: data.n }, (_, i) => i);
  const range = (low, high) => i => (data[low][i] === null ? null : MI.number(data[low][i]) + ' \u2026 ' + MI.number(data[high][i]));
  return MI.table(MI.t('caption.border_effect'), [
    { key: 'column.border', text: true, value: i => MI.borderName(data.border_id[i]), under: i => MI.word('mode', data.mode[i]) },
    { key: 'column.penalty', num: true, value: i => (data.penalty_pct[i] === null ? null : MI.number(data.penalty_pct[i], 1) + '%') },
    { key: 'column.interval', num: true, value: range('ci_low_pct', 'ci_high_pct') },
    { key: 'column.placebo', num: true, value: range('placebo_low_pct', 'placebo_high_pct') },
    { key: 'column.remark', value: i => [data.includes_river[i] ? MI.t('effect.river') : null, MI.word('reason', data.reason[i])].filter(Boolean).join(MI.t('ui.comma')) }
  ], rows, null, 20);
};

/* --- services -------------------------------------------------------------------- */

MI.panels.services = function () {
  const services = MI.layers.services, zones = MI.layers.zones;
  const parts = [MI.heading('theme.services', 'h2'), MI.para('intro.services', null, 'lead')];
  if (zones.n) parts.push(MI.choices(MI.measureChoice('service_measure', MI.MEASURES.services)));
  else parts.push(MI.none('empty.zones'));
  parts.push(MI.heading('table.services'));
  if (!services.n) { parts.push(MI.none('empty.services')); return parts; }
  const kinds = Object.keys(MI.SERVICE_STYLE);
  const cities = MI.layers.cities, tally = new Map();
  for (let i = 0; i < services.n; i++) {
    const key = services.city_id[i] + '\n' + services.kind[i];
    tally.set(key, (tally.get(key) || 0) + 1);
  }
  parts.push(MI.table(MI.t('caption.services'), [
    { key: 'column.city', text: true, value: i => MI.cityName(cities.city_id[i]) },
    ...kinds.map(kind => ({ key: 'service.' + kind, num: true, value: i => MI.number(tally.get(cities.city_id[i] + '\n' + kind) || 0) }))
  ], Array.from({ length: cities.n }, (_, i) => i), 'cities', 60));
  parts.push(MI.para('note.services', null, 'lead'));
  return parts;
};

/* --- ecology ---------------------------------------------------------------------- */

MI.panels.ecology = function () {
  const zones = MI.layers.eco_zones, conflicts = MI.layers.conflicts, rivers = MI.layers.shared_rivers, corridors = MI.layers.corridors;
  const all = layer => Array.from({ length: MI.layers[layer].n }, (_, i) => i);
  const parts = [MI.heading('theme.ecology', 'h2'), MI.para('intro.ecology', null, 'lead'), MI.unmappedNotice(), MI.heading('table.eco_zones')];
  if (!zones.n) parts.push(MI.none('empty.eco_zones'));
  else parts.push(MI.ecoTable());
  parts.push(MI.heading('table.conflicts'));
  parts.push(conflicts.n ? MI.table(MI.t('caption.conflicts'), [
    { key: 'column.kind', value: i => MI.word('conflict', conflicts.kind[i]), under: i => MI.borderName(conflicts.border_id[i]) },
    { key: 'column.source_city', text: true, value: i => MI.cityName(conflicts.source_city[i]) },
    { key: 'column.exposed_city', text: true, value: i => MI.cityName(conflicts.exposed_city[i]) },
    { key: 'column.apart', num: true, value: i => MI.distance(conflicts.distance_m[i]) }
  ], all('conflicts'), 'conflicts', 15) : MI.none('empty.conflicts'));
  parts.push(MI.heading('table.rivers'));
  parts.push(rivers.n ? MI.table(MI.t('caption.rivers'), [
    { key: 'column.river', text: true, value: i => rivers.name[i] || MI.t('popup.unnamed_river'), under: i => MI.borderName(rivers.border_id[i]) },
    { key: 'column.relation', value: i => MI.word('river', rivers.relation[i]) },
    { key: 'column.upstream', text: true, value: i => MI.cityName(rivers.upstream_city[i]) },
    { key: 'column.downstream', text: true, value: i => MI.cityName(rivers.downstream_city[i]) }
  ], all('shared_rivers'), 'shared_rivers', 15) : MI.none('empty.rivers'));
  parts.push(MI.heading('table.corridors'));
  parts.push(corridors.n ? MI.table(MI.t('caption.corridors'), [
    { key: 'column.class', value: i => MI.word('land', corridors.land_class[i]) },
    { key: 'column.border', text: true, value: i => MI.borderName(corridors.border_id[i]) },
    { key: 'column.area', num: true, value: i => MI.number(corridors.area_km2_a[i] + corridors.area_km2_b[i], 1) },
    { key: 'column.protected', value: i => MI.yes(corridors.is_protected[i]) }
  ], all('corridors').sort((a, b) => corridors.area_km2_a[b] + corridors.area_km2_b[b] - corridors.area_km2_a[a] - corridors.area_km2_b[a]), 'corridors', 10) : MI.none('empty.corridors'));
  parts.push(MI.para('note.ecology', null, 'lead'));
  return parts;
};

/* Shares of each border's belt, both sides, weighted by area. */
MI.ecoTable = function () {
  const zones = MI.layers.eco_zones, keys = ['ecological', 'farmland', 'urban', 'unknown'], byBorder = new Map();
  const belt = Math.max(...zones.belt_km);
  for (let i = 0; i < zones.n; i++) {
    if (zones.belt_km[i] !== belt) continue;
    const sums = byBorder.get(zones.border_id[i]) || { area: 0, ecological: 0, farmland: 0, urban: 0, unknown: 0, alike: 0, alikeArea: 0 };
    const area = zones.area_km2[i] || 0;
    sums.area += area;
    for (const key of keys) sums[key] += area * (zones[key + '_pct'][i] || 0);
    if (zones.similarity_across[i] !== null) { sums.alike += area * zones.similarity_across[i]; sums.alikeArea += area; }
    byBorder.set(zones.border_id[i], sums);
  }
  const ids = [...byBorder.keys()];
  return MI.table(MI.t('caption.eco_zones'), [
    { key: 'column.border', text: true, value: i => MI.borderName(ids[i]) },
    { key: 'column.shares', value: i => MI.shareBar(keys.map(key => [key, byBorder.get(ids[i])[key] / byBorder.get(ids[i]).area])) },
    { key: 'column.similarity', num: true, value: i => (byBorder.get(ids[i]).alikeArea ? MI.number(byBorder.get(ids[i]).alike / byBorder.get(ids[i]).alikeArea, 2) : null) }
  ], ids.map((_, i) => i), null, 40);
};

/* --- integration -------------------------------------------------------------------- */

MI.DIMENSIONS = ['overall', 'transport', 'market', 'industry', 'innovation', 'services', 'urban_rural', 'ecology', 'coordination'];

/* {score, low, high, coverage_pct} of a border, a city, or (both null) the metro. */
MI.indexOf = function (border, city, dimension) {
  if (!MI._index) {
    MI._index = new Map();
    const data = MI.layers.index;
    for (let i = 0; i < data.n; i++) {
      MI._index.set([data.border_id[i], data.city_id[i], data.dimension[i]].join('\n'),
        { score: data.score[i], low: data.score_low[i], high: data.score_high[i], coverage_pct: data.coverage_pct[i] });
    }
  }
  return MI._index.get([border, city, dimension].join('\n')) || null;
};

MI.scoreText = function (score) {
  if (score.score === null) return MI.t('ui.unknown');
  return MI.number(score.score) + (score.low === null ? '' : ' (' + MI.number(score.low) + '\u2013' + MI.number(score.high) + ')');
};

MI.panels.integration = function () {
  const parts = [MI.heading('theme.integration', 'h2'), MI.para('intro.integration', null, 'lead')];
  if (!MI.layers.index.n) { parts.push(MI.none('empty.index')); return parts; }
  parts.push(MI.choices(MI.select_('dimension', MI.choice('dimension'), MI.DIMENSIONS.map(each => [each, MI.word('dimension', each)]), value => {
    MI.state.choice.dimension = value;
    MI.refresh(['borders']); MI.renderLegend(); MI.writeHash(); MI.renderPanel('select[data-choice="dimension"]');
  })));
  parts.push(MI.heading('table.metro_index'), MI.indexBars(MI.data.index), MI.para('note.bars', null, 'lead'));
  parts.push(MI.heading('table.border_index'), MI.borderIndexTable(), MI.heading('table.indicators'), MI.indicatorTable());
  return parts;
};

MI.indexBars = function (index) {
  const bars = MI.el('div', { class: 'bars' });
  for (const dimension of MI.DIMENSIONS) {
    const entry = index[dimension];
    if (!entry) continue;
    const svg = MI.svg('svg', { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, MI.svg('rect', { x: 0, y: 2, width: 100, height: 6, fill: '#e6eaee' }));
    if (entry.score !== null) {
      svg.append(MI.svg('rect', { x: 0, y: 2, width: entry.score, height: 6, fill: dimension === 'overall' ? '#17476d' : '#4f86b0' }));
      if (entry.low !== null) svg.append(MI.svg('rect', { x: entry.low, y: 4.4, width: Math.max(entry.high - entry.low, 0.4), height: 1.2, fill: '#111' }));
    }
    bars.append(MI.el('span', { text: MI.word('dimension', dimension) }), svg,
      MI.el('span', { class: 'value' }, MI.scoreText(entry) + ' ', MI.el('small', { text: MI.t('index.coverage', { n: MI.percent(entry.coverage_pct, 0) || MI.t('ui.unknown') }) })));
  }
  return bars;
};

MI.borderIndexTable = function () {
  const borders = MI.layers.borders, chosen = MI.choice('dimension');
  const score = (i, dimension) => { const entry = MI.indexOf(borders.border_id[i], null, dimension); return entry ? entry.score : null; };
  const rows = Array.from({ length: borders.n }, (_, i) => i).sort((a, b) => (score(b, chosen) === null ? -1 : score(b, chosen)) - (score(a, chosen) === null ? -1 : score(a, chosen)));
  return MI.table(MI.t('caption.border_index'), [
    { key: 'column.border', text: true, value: i => MI.borderName(borders.border_id[i]) },
    ...MI.DIMENSIONS.map(dimension => ({
      key: 'dimension_short.' + dimension, num: true, value: i => MI.number(score(i, dimension)),
      style: (cell, i) => {
        const value = score(i, dimension);
        if (value === null) return;
        const n = MI.classOf(value, MI.data.style.scoreBreaks);
        cell.className = 'score';
        cell.style.background = MI.data.style.scoreColours[n];
        cell.style.color = n === 0 || n === 4 ? '#fff' : '#111';
      }
    }))
  ], rows, 'borders', 60);
};

MI.indicatorTable = function () {
  const data = MI.layers.indicators, chosen = MI.choice('dimension');
  const rows = Array.from({ length: data.n }, (_, i) => i).filter(i => data.border_id[i] === null && data.city_id[i] === null && (chosen === 'overall' || data.dimension[i] === chosen));
  if (!rows.length) return MI.none('empty.indicators');
  return MI.table(MI.t('caption.indicators'), [
    { key: 'column.dimension', value: i => MI.word('dimension', data.dimension[i]) },
    { key: 'column.indicator', value: i => MI.word('indicator', data.indicator[i]) },
    { key: 'column.value', num: true, value: i => { const text = MI.number(data.value[i], 2); return text === null ? null : text + '\u00a0' + (MI.word('indicator_unit', data.unit[i]) || ''); } },
    { key: 'column.score', num: true, value: i => MI.number(data.score[i]) }
  ], rows, null, 60);
};

/* --- about -------------------------------------------------------------------------- */

MI.panels.about = function () {
  const facts = MI.data.facts, list = (keys) => MI.el('ul', { class: 'notes' }, keys.map(text => MI.el('li', { text })));
  const rows = [
    ['about.source', MI.word('source', facts.source_kind)], ['about.files', facts.source_files.join(MI.t('ui.comma'))],
    ['about.osm_date', facts.osm_snapshot || MI.t('ui.unknown')], ['about.scope', MI.data.metro.scope],
    ['about.boundaries', MI.t('boundary.' + (facts.source_kind === 'sample' ? 'cnmaps' : MI.data.boundary_source))],
    ['about.crs', facts.crs_note], ['about.made_at', facts.made_at], ['about.version', facts.version]
  ].filter(row => row[1]);
  const caveats = [facts.source_kind === 'vector' ? 'licence_vector' : 'licence', 'official', facts.is_synthetic ? 'synthetic' : null,
    facts.source_kind === 'sample' || MI.data.boundary_source === 'cnmaps' ? 'cnmaps' : null, 'proxy', 'transit',
    MI.data.land_cover_note, MI.data.has_population_raster ? 'population_raster' : 'population_estimated', 'index', 'border_effect', 'ecology', 'precision'].filter(Boolean);
  const parts = [MI.heading('theme.about', 'h2'), MI.heading('about.data'),
    MI.el('table', {}, MI.el('tbody', {}, rows.map(([key, value]) => MI.el('tr', {}, MI.el('th', { scope: 'row', text: MI.t(key) }), MI.el('td', { text: value, dir: 'auto' }))))),
    MI.heading('about.read'), list(caveats.map(key => MI.t('note.' + key)))];
  if (facts.notes.length) parts.push(MI.heading('about.notes'), list(facts.notes));
  const thinned = Object.entries(MI.data.thinned);
  if (thinned.length) parts.push(MI.heading('about.thinned'), list(thinned.map(([name, [kept, all]]) => MI.t('about.thinned_line', { layer: MI.t('thinned.' + name), kept: MI.number(kept), all: MI.number(all) }))));
  const account = MI.data.account;
  if (account.length) {
    parts.push(MI.heading('about.account'), MI.table(MI.t('caption.account'), [
      { key: 'column.subject', value: i => account[i][0] }, { key: 'column.rule', value: i => account[i][1] }, { key: 'column.count', num: true, value: i => MI.number(account[i][2]) }
    ], account.map((_, i) => i), null, 40));
  }
  return parts;
};

/* --- frame ---------------------------------------------------------------------------- */

MI.renderPanel = function (focus) {
  const panel = document.getElementById('mi-panel');
  const top = panel.scrollTop;
  MI.clear(panel).append(...MI.panels[MI.state.theme]().filter(Boolean));
  if (focus) {
    panel.scrollTop = top;
    const target = panel.querySelector(focus);
    if (target) target.focus();
  } else panel.scrollTop = 0;
  MI.markRow();
};

MI.markRow = function () {
  const selected = MI.state.selected;
  for (const row of document.querySelectorAll('#mi-panel tr[data-i]')) {
    const layer = row.closest('table').dataset.layer;
    row.classList.toggle('selected', Boolean(selected && selected[0] === layer && String(selected[1]) === row.dataset.i));
  }
};

MI.legendIcon = function (shape, style) {
  const svg = MI.svg('svg', { width: 26, height: 14, viewBox: '0 0 26 14', 'aria-hidden': 'true' });
  const r = style.radius || 5, dash = style.dash || '';
  if (shape === 'line') svg.append(MI.svg('line', { x1: 1, y1: 7, x2: 25, y2: 7, stroke: style.color, 'stroke-width': style.width || 3.4, 'stroke-dasharray': dash }));
  else if (shape === 'fill') svg.append(MI.svg('rect', { x: 3, y: 1, width: 20, height: 12, fill: style.color, 'fill-opacity': style.opacity || 1, stroke: style.border || '#8a8a8a', 'stroke-width': 0.8 }));
  else if (shape === 'dot' || shape === 'badge') svg.append(MI.svg('circle', { cx: 13, cy: 7, r: Math.min(r, 7), fill: style.color }));
  else if (shape === 'ring') svg.append(MI.svg('circle', { cx: 13, cy: 7, r: 4.4, fill: '#fff', stroke: style.color, 'stroke-width': 2.2 }));
  else if (shape === 'square') svg.append(MI.svg('rect', { x: 13 - r * 0.9, y: 7 - r * 0.9, width: r * 1.8, height: r * 1.8, fill: style.color }));
  else if (shape === 'diamond') svg.append(MI.svg('path', { d: 'M13 1L19 7L13 13L7 7Z', fill: style.color }));
  else if (shape === 'triangle') svg.append(MI.svg('path', { d: 'M13 1L19 12.5L7 12.5Z', fill: style.color }));
  if (shape === 'badge') {
    const text = MI.svg('text', { x: 13, y: 10, 'text-anchor': 'middle', 'font-size': 9, 'font-weight': 700, fill: '#fff' });
    text.textContent = style.label;
    svg.append(text);
  }
  return svg;
};

MI.renderLegend = function () {
  const box = MI.clear(document.querySelector('#mi-legend > div'));
  for (const key of MI.themes[MI.state.theme].slice().reverse()) {
    const count = MI.countOf(key), isOn = MI.on.has(key);
    const input = MI.el('input', { type: 'checkbox', 'data-overlay': key, checked: isOn && count > 0, disabled: !count });
    input.addEventListener('change', () => {
      if (input.checked) MI.on.add(key); else MI.on.delete(key);
      MI.refresh(); MI.renderLegend(); MI.writeHash();
      const again = document.querySelector('input[data-overlay="' + key + '"]');
      if (again) again.focus();
    });
    const group = MI.el('div', { class: 'group' }, MI.el('label', {}, input, MI.el('span', { text: MI.t('overlay.' + key) + (key === 'zones' && count ? ': ' + MI.t('measure.' + MI.measure()) : '') })));
    if (!count) group.append(MI.el('p', { class: 'empty', text: MI.t('ui.no_data') }));
    else if (isOn) {
      const items = MI.overlays[key].legend();
      if (items.length) group.append(MI.el('ul', {}, items.map(([shape, style, text]) => MI.el('li', {}, shape === 'none' ? null : MI.legendIcon(shape, style), MI.el('span', { text })))));
    }
    box.append(group);
  }
};

MI.renderBasemap = function () {
  const box = MI.clear(document.querySelector('#mi-base > div'));
  const vector = MI.el('fieldset', {}, MI.el('legend', { text: MI.t('basemap.vector') }));
  for (const key of ['land', 'water', 'rail', 'roads', 'labels']) {
    const input = MI.el('input', { type: 'checkbox', checked: MI.base[key] });
    input.addEventListener('change', () => { MI.base[key] = input.checked; MI.redrawBase(); });
    vector.append(MI.el('label', {}, input, MI.el('span', { text: MI.t('basemap.' + key) })));
  }
  const online = MI.el('fieldset', {}, MI.el('legend', { text: MI.t('basemap.online') }));
  for (const key of ['none', ...Object.keys(MI.basemaps)]) {
    const input = MI.el('input', { type: 'radio', name: 'mi-online', value: key, checked: MI.online === key });
    input.addEventListener('change', () => MI.setOnline(key));
    online.append(MI.el('label', {}, input, MI.el('span', { text: MI.t('basemap.' + key) })));
    if (MI.data.basemaps[key] === 'gcj02') online.append(MI.el('p', { class: 'note', text: MI.t('basemap.shifted') }));
  }
  box.append(vector, online);
};
