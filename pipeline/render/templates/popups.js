/* What a click on a finding tells: one function per layer, returning [title, rows].
   A row is [message key, value]; rows without a value are left out. */
MI.popups = {};

MI.osmLink = function (type, id) {
  if (id === null || id === undefined) return null;
  if (MI.data.facts.is_synthetic) return MI.t('popup.synthetic_id', { id: type + ' ' + id });
  return MI.el('a', {
    href: 'https://www.openstreetmap.org/' + type + '/' + encodeURIComponent(id),
    target: '_blank', rel: 'noopener noreferrer', text: type + '/' + id
  });
};

MI.yes = value => (value ? MI.t('ui.yes') : MI.t('ui.no'));
MI.percent = (value, decimals) => MI.unit(value, '%', decimals === undefined ? 1 : decimals);
MI.minutes = value => MI.unit(value, 'min', 0);

MI.popups.missing_links = function (i) {
  const links = MI.layers.missing_links, border = MI.borderIndex.get(links.border_id[i]);
  const a = border === undefined ? null : MI.layers.borders.city_a[border];
  const b = border === undefined ? null : MI.layers.borders.city_b[border];
  const share = links.benefit_share_a_pct[i];
  return [MI.linkTitle(i), [
    ['popup.border', MI.borderName(links.border_id[i])],
    ['popup.rank', links.rank[i] === null ? MI.t('popup.unranked') : '#' + links.rank[i]],
    ['popup.status', MI.word('status', links.status[i])],
    ['popup.class', MI.word('highway', links.highway[i])],
    ['popup.joins', MI.word('link_kind', links.kind[i])],
    ['popup.gap', MI.distance(links.gap_m[i])],
    ['popup.obstacle', MI.word('obstacle', links.obstacle[i])],
    ['popup.detour', links.detour_m[i] === null ? MI.t('popup.no_way_round')
      : MI.distance(links.detour_m[i]) + ' (\u00d7' + MI.number(links.detour_ratio[i], 1) + ')'],
    ['popup.minutes_saved', MI.unit(links.minutes_saved[i], 'min', 1)],
    ['popup.gain', links.gain_person_min_a[i] === null ? null
      : MI.cityName(a) + ' ' + MI.people(links.gain_person_min_a[i]) + ' \u00b7 ' +
        MI.cityName(b) + ' ' + MI.people(links.gain_person_min_b[i])],
    ['popup.benefit_key', share === null ? null
      : MI.cityName(a) + ' ' + MI.percent(share, 0) + ' : ' + MI.cityName(b) + ' ' + MI.percent(100 - share, 0)],
    ['popup.cost', MI.word('cost', links.indicative_cost_class[i])],
    ['popup.confidence', MI.number(links.confidence[i], 2)],
    ['popup.ends', [MI.osmLink('node', links.from_node[i]), ' \u2026 ', MI.osmLink('node', links.to_node[i])]]
  ]];
};

MI.linkTitle = function (i) {
  const links = MI.layers.missing_links;
  const from = links.from_road[i], to = links.to_road[i];
  if (from && to && from !== to) return from + ' \u2013 ' + to;
  return from || to || MI.t('popup.unnamed_link', { class: MI.word('highway', links.highway[i]) });
};

MI.popups.dead_ends = function (i) {
  const ends = MI.layers.dead_ends;
  const link = ends.link_id[i] === null ? undefined : MI.linkIndex.get(ends.link_id[i]);
  const isRail = ends.end_type[i] === 'rail_end';
  return [MI.roadLabel(ends.name[i], ends.ref[i]) || MI.t('popup.unnamed', { class: MI.word('highway', ends.highway[i]) }), [
    ['popup.city', MI.cityName(ends.city_id[i])],
    ['popup.border', MI.borderName(ends.border_id[i])],
    ['popup.end_type', MI.word('end_type', ends.end_type[i])],
    ['popup.faces', MI.word('kind', ends.kind[i])],
    ['popup.status', MI.word('status', ends.status[i])],
    ['popup.class', MI.word('highway', ends.highway[i])],
    ['popup.obstacle', MI.word('obstacle', ends.obstacle[i])],
    ['popup.to_border', MI.distance(ends.distance_to_border_m[i])],
    ['popup.confidence', MI.number(ends.confidence[i], 2)],
    ['popup.link', link === undefined ? null : MI.el('button', {
      type: 'button', class: 'inline', text: MI.linkTitle(link), onclick: () => MI.select('missing_links', link)
    })],
    ['popup.osm', isRail ? MI.osmLink('node', ends.node_id[i])
      : [MI.osmLink('node', ends.node_id[i]), ' \u00b7 ', MI.osmLink('way', ends.way_id[i])]]
  ]];
};

MI.popups.bottlenecks = function (i) {
  const layer = MI.layers.bottlenecks;
  return [MI.roadLabel(layer.name[i], layer.ref[i]) || MI.t('popup.unnamed', { class: MI.word('highway', layer.highway[i]) }), [
    ['popup.border', MI.borderName(layer.border_id[i])],
    ['popup.kind', MI.word('bottleneck', layer.kind[i])],
    ['popup.class', MI.word('highway', layer.highway[i])],
    ['popup.capacity_here', MI.unit(layer.capacity_here_pcu_h[i], 'pcu_h')],
    ['popup.capacity_approach', MI.unit(layer.capacity_approach_pcu_h[i], 'pcu_h')],
    ['popup.capacity_ratio', MI.number(layer.capacity_ratio[i], 2)],
    ['popup.load', MI.percent(layer.load_share_pct[i])],
    ['popup.bridge', MI.yes(layer.is_bridge[i])],
    ['popup.toll', MI.yes(layer.is_toll_plaza[i])],
    ['popup.evidence', layer.evidence[i]],
    ['popup.osm', MI.crossingLink(layer.crossing_id[i])]
  ]];
};

MI.crossingLink = function (id) {
  const i = MI.layers.crossings.crossing_id.indexOf(id);
  return i < 0 ? null : MI.osmLink('way', MI.layers.crossings.way_id[i]);
};

MI.popups.crossings = function (i) {
  const layer = MI.layers.crossings;
  return [MI.roadLabel(layer.name[i], layer.ref[i]) || MI.t('popup.unnamed', { class: MI.word('highway', layer.highway[i]) }), [
    ['popup.border', MI.borderName(layer.border_id[i])],
    ['popup.class', MI.word('highway', layer.highway[i])],
    ['popup.lanes', MI.number(layer.lanes[i], 1)],
    ['popup.capacity', MI.unit(layer.capacity_pcu_h[i], 'pcu_h')],
    ['popup.load', MI.percent(layer.load_share_pct[i])],
    ['popup.bridge', MI.yes(layer.is_bridge[i])],
    ['popup.osm', MI.osmLink('way', layer.way_id[i])]
  ]];
};

MI.popups.zones = function (i) {
  const zones = MI.layers.zones;
  const centre = zones.nearest_centre[i];
  return [MI.t('popup.zone', { city: MI.cityName(zones.city_id[i]) }), [
    ['popup.population', zones.population[i] === null ? null
      : MI.people(zones.population[i]) + ' (' + MI.word('evidence', zones.population_evidence[i]) + ')'],
    ['popup.no_access', MI.word('reason', zones.reason[i])],
    ['measure.minutes_to_core', MI.minutes(zones.minutes_to_core[i])],
    ['measure.minutes_to_core_peak', MI.minutes(zones.minutes_to_core_peak[i])],
    ['measure.minutes_to_core_transit', MI.minutes(zones.minutes_to_core_transit[i])],
    ['popup.nearest_centre', centre === null ? null
      : MI.centreName(centre) + ', ' + MI.minutes(zones.minutes_to_nearest_centre[i])],
    ['measure.population_60min', MI.people(zones.population_60min[i])],
    ['measure.cross_border_share_60min_pct', MI.percent(zones.cross_border_share_60min_pct[i])],
    ['measure.transport_performance', MI.percent(zones.transport_performance[i])],
    ['popup.edge_zone', zones.is_edge_zone[i] ? MI.t('ui.yes') : null],
    ['measure.minutes_to_hospital', MI.minutes(zones.minutes_to_hospital[i])],
    ['measure.minutes_to_school', MI.minutes(zones.minutes_to_school[i])],
    ['measure.minutes_to_university', MI.minutes(zones.minutes_to_university[i])],
    ['measure.hospital_access', MI.number(zones.hospital_access[i], 2)],
    ['measure.school_access', MI.number(zones.school_access[i], 2)],
    ['measure.university_access', MI.number(zones.university_access[i], 3)]
  ]];
};

MI.centreName = function (id) {
  const centres = MI.layers.centres, i = MI.centreIndex.get(id);
  if (i === undefined) return id;
  const isCity = centres.kind[i] === 'core' || centres.kind[i] === 'city';
  return isCity && MI.cityIndex.has(centres.city_id[i]) ? MI.cityName(centres.city_id[i]) : centres.name[i];
};

MI.popups.services = function (i) {
  const layer = MI.layers.services;
  return [layer.name[i] || MI.word('service', layer.kind[i]), [
    ['popup.kind', MI.word('service', layer.kind[i])],
    ['popup.city', MI.cityName(layer.city_id[i])]
  ]];
};

MI.popups.stations = function (i) {
  const layer = MI.layers.stations;
  return [layer.name[i] || MI.t('popup.station'), [
    ['popup.kind', MI.word('station', layer.kind[i])],
    ['popup.city', MI.cityName(layer.city_id[i])]
  ]];
};

MI.popups.rides = function (i) {
  const layer = MI.layers.rides;
  return [layer.line[i], [
    ['popup.kind', MI.word('station', layer.mode[i])],
    ['popup.ride', MI.unit(layer.minutes[i], 'min', 0)],
    ['popup.headway', MI.unit(layer.headway_min[i], 'min', 0)],
    ['popup.evidence', MI.word('evidence', layer.evidence[i])]
  ]];
};

MI.popups.eco_zones = function (i) {
  const layer = MI.layers.eco_zones;
  return [MI.borderName(layer.border_id[i]), [
    ['popup.side', MI.cityName(layer.city_id[i])],
    ['popup.stretch', MI.number(layer.km_from[i], 1) + '\u2013' + MI.number(layer.km_to[i], 1) + '\u00a0' + MI.t('unit.km')],
    ['popup.zone_class', MI.word('zone', layer.zone[i])],
    ['popup.shares', [MI.shareBar([
      ['ecological', layer.ecological_pct[i]], ['farmland', layer.farmland_pct[i]],
      ['urban', layer.urban_pct[i]], ['unknown', layer.unknown_pct[i]]])]],
    ['popup.similarity', MI.number(layer.similarity_across[i], 2)],
    ['popup.guidance', MI.word('guidance', layer.guidance[i])],
    ['popup.area', MI.unit(layer.area_km2[i], 'km2', 1)]
  ]];
};

/* Four shares as a bar and as text. */
MI.shareBar = function (shares) {
  const known = shares.filter(share => share[1] !== null && share[1] > 0);
  const bar = MI.el('span', { class: 'sharebar', 'aria-hidden': 'true' });
  for (const [zone, share] of known) {
    const piece = MI.el('span');
    piece.style.width = share + '%';
    piece.style.background = MI.data.style.zone[zone];
    bar.append(piece);
  }
  const text = known.map(([zone, share]) => MI.word('zone', zone) + ' ' + MI.percent(share, 0)).join(' \u00b7 ');
  return MI.el('span', {}, bar, text);
};

MI.popups.land = function (i) {
  const layer = MI.layers.land;
  return [MI.word('land', layer.land_class[i]), [
    ['popup.side', MI.cityName(layer.city_id[i])],
    ['popup.border', MI.borderName(layer.border_id[i])],
    ['popup.evidence', MI.word('evidence', layer.evidence[i])]
  ]];
};

MI.popups.conflicts = function (i) {
  const layer = MI.layers.conflicts;
  return [MI.word('conflict', layer.kind[i]), [
    ['popup.border', MI.borderName(layer.border_id[i])],
    ['popup.source_city', MI.cityName(layer.source_city[i])],
    ['popup.exposed_city', MI.cityName(layer.exposed_city[i])],
    ['popup.apart', MI.distance(layer.distance_m[i])]
  ]];
};

MI.popups.corridors = function (i) {
  const layer = MI.layers.corridors;
  const border = MI.borderIndex.get(layer.border_id[i]), borders = MI.layers.borders;
  const side = name => (border === undefined ? '' : MI.cityName(borders[name][border]) + ' ');
  return [MI.t('popup.corridor'), [
    ['popup.border', MI.borderName(layer.border_id[i])],
    ['popup.class', MI.word('land', layer.land_class[i])],
    ['popup.area', side('city_a') + MI.unit(layer.area_km2_a[i], 'km2', 1) + ' \u00b7 ' + side('city_b') + MI.unit(layer.area_km2_b[i], 'km2', 1)],
    ['popup.protected', MI.yes(layer.is_protected[i])]
  ]];
};

MI.popups.shared_rivers = function (i) {
  const layer = MI.layers.shared_rivers;
  return [layer.name[i] || MI.t('popup.unnamed_river'), [
    ['popup.border', MI.borderName(layer.border_id[i])],
    ['popup.relation', MI.word('river', layer.relation[i])],
    ['popup.upstream', MI.cityName(layer.upstream_city[i])],
    ['popup.downstream', MI.cityName(layer.downstream_city[i])],
    ['popup.buffer', MI.unit(layer.buffer_m[i], 'm')]
  ]];
};

MI.popups.sites = function (i) {
  const layer = MI.layers.sites;
  return [MI.word('medium', layer.medium[i]), [
    ['popup.border', MI.borderName(layer.border_id[i])],
    ['popup.why', MI.word('site_reason', layer.reason[i])]
  ]];
};

MI.popups.borders = function (i) {
  const borders = MI.layers.borders, id = borders.border_id[i];
  const score = MI.indexOf(id, null, 'overall');
  const counted = (layer, skip) => layer.border_id.filter((each, n) => each === id && !skip(n)).length;
  const ends = MI.layers.dead_ends, links = MI.layers.missing_links;
  return [MI.borderName(id), [
    ['popup.length', MI.unit(borders.length_km[i], 'km', 1)],
    ['popup.natural', MI.percent(borders.natural_share_pct[i], 0)],
    ['popup.index', score ? MI.scoreText(score) : null],
    ['figure.dead_ends', MI.number(counted(ends, n => ends.status[n] === 'mapping_gap'))],
    ['figure.missing_links', MI.number(counted(links, n => links.status[n] === 'mapping_gap'))],
    ['figure.bottlenecks', MI.number(counted(MI.layers.bottlenecks, n => MI.layers.bottlenecks.kind[n] === 'critical_crossing'))],
    ['figure.crossings', MI.number(counted(MI.layers.crossings, () => false))],
    ['popup.unknown', MI.percent(MI.data.belt_unknown[id], 0)]
  ]];
};

MI.popupContent = function (layer, i) {
  const [title, rows] = MI.popups[layer](i);
  const list = MI.el('dl');
  for (const [key, value] of rows) {
    const parts = (Array.isArray(value) ? value : [value]).filter(each => each !== null && each !== undefined && each !== '');
    if (!parts.length) continue;
    list.append(MI.el('dt', { text: MI.t(key) }), MI.el('dd', {}, parts));
  }
  return MI.el('div', { class: 'popup' }, MI.el('h3', { text: title, dir: 'auto' }), list,
    MI.data.facts.is_synthetic ? MI.el('p', { class: 'fake', text: MI.t('ui.synthetic_short') }) : null);
};
