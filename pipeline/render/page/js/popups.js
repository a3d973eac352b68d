/* What a click on a finding tells: one function per layer, returning [title, rows].
   A row is [message key, value]; rows without a value are left out. */
MI.popups = {};

MI.osmLink = function (type, id) {
  if (id === null || id === undefined) return null;
  // An id of made-up data leads nowhere: it is shown, and called what it is.
  if (MI.data.facts.is_synthetic) return MI.t('popup.synthetic_id', { id: type + ' ' + id });
  return MI.el('a', {
    href: 'https://www.openstreetmap.org/' + type + '/' + encodeURIComponent(id),
    target: '_blank', rel: 'noopener noreferrer', text: type + '/' + id
  });
};

/* Several OSM objects: links; for made-up data one line that says so. */
MI.osmLinks = function (objects) {
  const known = objects.filter(each => each[1] !== null && each[1] !== undefined);
  if (!known.length) return null;
  if (MI.data.facts.is_synthetic) return MI.t('popup.synthetic_id', { id: known.map(each => each.join(' ')).join(', ') });
  return known.flatMap((each, n) => (n ? [' \u00b7 ', MI.osmLink(each[0], each[1])] : [MI.osmLink(each[0], each[1])]));
};

/* Where it is: latitude, longitude, the place next to it. */
MI.where = function (layer, i, near) {
  const at = MI.middle(MI.layers[layer].geo, i);
  return at[0].toFixed(5) + ', ' + at[1].toFixed(5) + (near ? ' \u00b7 ' + MI.t('popup.near_place', { place: near }) : '');
};

MI.briefLink = function (border) {
  const page = MI.data.briefs[border];
  return page ? MI.el('a', { href: encodeURI(page) + '#lang=' + MI.state.lang, text: MI.t('brief.link') }) : null;
};

/* Two whole shares that make a hundred. */
MI.shares = function (share) {
  return share === null ? null : [Math.round(share), 100 - Math.round(share)];
};

MI.yes = value => (value ? MI.t('ui.yes') : MI.t('ui.no'));
MI.percent = (value, decimals) => MI.unit(value, '%', decimals === undefined ? 1 : decimals);
MI.minutes = value => MI.unit(value, 'min', 0);

MI.popups.missing_links = function (i) {
  const links = MI.layers.missing_links, border = MI.borderIndex.get(links.border_id[i]);
  const a = border === undefined ? null : MI.layers.borders.city_a[border];
  const b = border === undefined ? null : MI.layers.borders.city_b[border];
  const share = MI.shares(links.benefit_share_a_pct[i]), gainA = links.gain_person_min_a[i], gainB = links.gain_person_min_b[i];
  return [MI.linkTitle(i), [
    ['popup.border', MI.borderName(links.border_id[i])],
    ['popup.where', MI.where('missing_links', i, links.near[i])],
    ['popup.rank', links.rank[i] === null ? MI.t('popup.unranked') : '#' + links.rank[i]],
    ['popup.status', MI.word('status', links.status[i])],
    ['popup.class', MI.word('highway', links.highway[i])],
    ['popup.joins', [MI.linkSide(links.from_city[i], links.from_road[i], links.from_end[i]), MI.el('br'),
      MI.linkSide(links.to_city[i], links.to_road[i], links.to_end[i])]],
    ['popup.gap', MI.distance(links.gap_m[i])],
    ['popup.obstacle', MI.word('obstacle', links.obstacle[i])],
    ['popup.detour', links.detour_m[i] === null ? MI.t('popup.no_way_round')
      : MI.distance(links.detour_m[i]) + ' (\u00d7' + MI.number(links.detour_ratio[i], 1) + ')'],
    ['popup.minutes_saved', MI.unit(links.minutes_saved[i], 'min', 1)],
    ['popup.gain', gainA === null && gainB === null ? MI.t('ui.unknown')
      : [MI.el('bdi', { text: MI.cityName(a) }), ' ' + MI.people(gainA) + ' \u00b7 ', MI.el('bdi', { text: MI.cityName(b) }), ' ' + MI.people(gainB)]],
    ['popup.benefit_key', share === null ? (gainA === 0 && gainB === 0 ? MI.t('brief.nobody') : MI.t('ui.unknown'))
      : [MI.el('bdi', { text: MI.cityName(a) }), ' ' + share[0] + '% : ', MI.el('bdi', { text: MI.cityName(b) }), ' ' + share[1] + '%']],
    ['popup.cost', MI.word('cost', links.indicative_cost_class[i])],
    ['popup.evidence', MI.t('popup.link_evidence', { kind: MI.word('link_kind', links.kind[i]), confidence: MI.number(links.confidence[i], 2) })],
    ['popup.osm', MI.osmLinks([['node', links.from_node[i]], ['node', links.to_node[i]], ['way', links.from_way[i]], ['way', links.to_way[i]]])],
    ['popup.more', MI.briefLink(links.border_id[i])]
  ]];
};

/* One side of a link: the city, the road, how it ends there. */
MI.linkSide = function (city, road, end) {
  return MI.el('span', {}, MI.el('bdi', { text: MI.cityName(city) }), ': ', road === null ? null : MI.el('bdi', { text: road }),
    road === null ? '' : ', ', end === null ? MI.t('popup.through_road') : MI.word('end_type', end));
};

MI.linkTitle = function (i) {
  const links = MI.layers.missing_links;
  const from = links.from_road[i], to = links.to_road[i];
  if (from && to && from !== to) return from + ' \u2013 ' + to;
  return from || to || MI.unnamed('popup.unnamed_link', links.highway[i], links.near[i]);
};

MI.unnamed = function (key, highway, near) {
  return near ? MI.t('popup.unnamed_near', { class: MI.word('highway', highway), place: near }) : MI.t(key, { class: MI.word('highway', highway) });
};

MI.popups.dead_ends = function (i) {
  const ends = MI.layers.dead_ends;
  const link = ends.link_id[i] === null ? undefined : MI.linkIndex.get(ends.link_id[i]);
  const isRail = ends.end_type[i] === 'rail_end';
  return [MI.roadLabel(ends.name[i], ends.ref[i]) || MI.unnamed('popup.unnamed', ends.highway[i], ends.near[i]), [
    ['popup.city', MI.cityName(ends.city_id[i])],
    ['popup.border', MI.borderName(ends.border_id[i])],
    ['popup.where', MI.where('dead_ends', i, ends.near[i])],
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
    ['popup.osm', MI.osmLinks([['node', ends.node_id[i]], ['way', isRail ? null : ends.way_id[i]]])],
    ['popup.more', MI.briefLink(ends.border_id[i])]
  ]];
};

MI.popups.bottlenecks = function (i) {
  const layer = MI.layers.bottlenecks;
  return [MI.roadLabel(layer.name[i], layer.ref[i]) || MI.unnamed('popup.unnamed', layer.highway[i], layer.near[i]), [
    ['popup.border', MI.borderName(layer.border_id[i])],
    ['popup.where', MI.where('bottlenecks', i, layer.near[i])],
    ['popup.kind', MI.word('bottleneck', layer.kind[i])],
    ['popup.class', MI.word('highway', layer.highway[i])],
    ['popup.capacity_here', MI.unit(layer.capacity_here_pcu_h[i], 'pcu_h')],
    ['popup.capacity_approach', MI.unit(layer.capacity_approach_pcu_h[i], 'pcu_h')],
    ['popup.capacity_ratio', MI.number(layer.capacity_ratio[i], 2)],
    ['popup.load', MI.percent(layer.load_share_pct[i])],
    ['popup.bridge', MI.yes(layer.is_bridge[i])],
    ['popup.toll', MI.yes(layer.is_toll_plaza[i])],
    ['popup.evidence', MI.state.lang === 'zh' ? layer.evidence_zh[i] : layer.evidence[i]],
    ['popup.osm', MI.crossingLink(layer.crossing_id[i])],
    ['popup.more', MI.briefLink(layer.border_id[i])]
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
    ['figure.bottlenecks', MI.number(counted(MI.layers.bottlenecks, n => !MI.data.style.bottleneck[MI.layers.bottlenecks.kind[n]].is_counted))],
    ['figure.crossings', MI.number(counted(MI.layers.crossings, () => false))],
    ['popup.unknown', MI.percent(MI.data.belt_unknown[id], 0)],
    ['popup.more', MI.briefLink(id)]
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
  const copy = MI.KEYS[layer] ? MI.el('button', { type: 'button', class: 'inline copy', text: MI.t('ui.copy_link'), onclick: event => MI.copyLink(event.target) }) : null;
  return MI.el('div', { class: 'popup' }, MI.el('h3', { text: title, dir: 'auto' }), list, copy,
    MI.data.facts.is_synthetic ? MI.el('p', { class: 'fake', text: MI.t('ui.synthetic_short') }) : null);
};
