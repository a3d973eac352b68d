/* State, language, numbers, names, and the only way markup is made: elements with text nodes.
   No string of the data is ever parsed as markup. */
MI.state = { lang: 'en', theme: 'overview', selected: null, filters: {}, choice: {} };

MI.t = function (key, values) {
  const text = MI.data.messages[MI.state.lang][key];
  if (text === undefined) return key;
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole)) : text;
};

/* The word for a value of a listed column, the value itself where there is no word. */
MI.word = function (kind, value) {
  if (value === null || value === undefined) return null;
  const key = kind + '.' + value;
  return MI.data.messages[MI.state.lang][key] === undefined ? String(value) : MI.t(key);
};

MI.number = function (value, decimals) {
  if (value === null || value === undefined || !isFinite(value)) return null;
  return value.toLocaleString(MI.state.lang === 'zh' ? 'zh-CN' : 'en-GB',
    { minimumFractionDigits: 0, maximumFractionDigits: decimals || 0 });
};

/* Large counts in ten thousands in Chinese, in millions or thousands in English. */
MI.people = function (value) {
  if (value === null || value === undefined) return null;
  if (MI.state.lang === 'zh') return value >= 1e4 ? MI.number(value / 1e4, 1) + '万' : MI.number(value);
  if (value >= 1e6) return MI.number(value / 1e6, 2) + ' million';
  return MI.number(value);
};

MI.unit = function (value, unit, decimals) {
  const text = MI.number(value, decimals);
  return text === null ? null : text + (unit === '%' ? '%' : '\u00a0' + MI.t('unit.' + unit));
};

MI.distance = function (metres) {
  if (metres === null || metres === undefined) return null;
  return metres < 1000 ? MI.unit(metres, 'm') : MI.unit(metres / 1000, 'km', 1);
};

MI.cityName = function (id) {
  if (id === null || id === undefined) return null;
  const i = MI.cityIndex.get(id);
  if (i === undefined) return id;
  const cities = MI.layers.cities;
  return (MI.state.lang === 'en' && cities.name_en[i]) || cities.name[i];
};

MI.borderName = function (id) {
  if (id === null || id === undefined) return null;
  const i = MI.borderIndex.get(id);
  if (i === undefined) return id;
  const borders = MI.layers.borders;
  const a = borders.city_a[i], b = borders.city_b[i];
  if (!MI.cityIndex.has(a) || !MI.cityIndex.has(b)) return borders.name[i];
  return MI.cityName(a) + ' \u2013 ' + MI.cityName(b);
};

MI.roadLabel = function (name, ref) {
  if (name && ref) return name + ' (' + ref + ')';
  return name || ref || null;
};

/* A phone, or a window as narrow: the width at which page.css puts the map above the panel. */
MI.isNarrow = () => window.innerWidth <= 820;

/* An element: attributes, then children (text, elements, or null to skip). */
MI.el = function (tag, attributes) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'text') element.textContent = value;
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (let i = 2; i < arguments.length; i++) {
    const children = Array.isArray(arguments[i]) ? arguments[i] : [arguments[i]];
    for (const child of children) {
      if (child !== null && child !== undefined) {
        element.append(child instanceof Node ? child : document.createTextNode(String(child)));
      }
    }
  }
  return element;
};

MI.svg = function (tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  for (let i = 2; i < arguments.length; i++) if (arguments[i]) element.append(arguments[i]);
  return element;
};

MI.clear = function (element) {
  while (element.firstChild) element.removeChild(element.firstChild);
  return element;
};

/* Class of a value among ascending upper bounds: 0 .. breaks.length. */
MI.classOf = function (value, breaks) {
  let index = 0;
  while (index < breaks.length && value > breaks[index]) index++;
  return index;
};

/* Four rounded quantiles of the known values, for five classes. */
MI.quantiles = function (values) {
  const known = values.filter(value => value !== null).sort((a, b) => a - b);
  if (!known.length) return [];
  const breaks = [0.2, 0.4, 0.6, 0.8].map(share => {
    const value = known[Math.floor(share * (known.length - 1))];
    if (!value) return 0;
    const unit = Math.pow(10, Math.floor(Math.log10(Math.abs(value))) - 1);
    return Math.round(value / unit) * unit;
  });
  return breaks.filter((value, i) => i === 0 || value > breaks[i - 1]);
};
