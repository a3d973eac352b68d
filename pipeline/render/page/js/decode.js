/* The page's data: from the text in #mi-blob to columns and coordinates.
   The inverse of pipeline/render/encode.py. Nothing here knows what is drawn. */
var MI = window.MI = {};

/* Bytes of zlib-compressed base64 text to an object. */
MI.readBlob = async function (text) {
  const raw = atob(text.trim());
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  let plain;
  if (typeof DecompressionStream === 'function') {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
    plain = await new Response(stream).text();
  } else {
    plain = new TextDecoder().decode(MI.inflate(bytes.subarray(2)));
  }
  return JSON.parse(plain);
};

/* Raw DEFLATE (RFC 1951), for browsers older than DecompressionStream. */
MI.inflate = function (input) {
  const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
  const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
  const distBase = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
  const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  let out = new Uint8Array(input.length * 6 + 1024), size = 0, at = 0, bits = 0, held = 0;
  function read(count) {
    while (held < count) { bits |= input[at++] << held; held += 8; }
    const value = bits & ((1 << count) - 1);
    bits >>>= count; held -= count;
    return value;
  }
  function room(extra) {
    if (size + extra <= out.length) return;
    const wider = new Uint8Array(Math.max(out.length * 2, size + extra));
    wider.set(out); out = wider;
  }
  function tree(lengths) {
    const counts = new Uint16Array(16), starts = new Uint16Array(16), symbols = new Uint16Array(lengths.length);
    for (const length of lengths) if (length) counts[length]++;
    for (let i = 1; i < 16; i++) starts[i] = starts[i - 1] + counts[i - 1];
    starts[0] = 0;
    for (let i = 0; i < lengths.length; i++) if (lengths[i]) symbols[starts[lengths[i]]++] = i;
    return { counts: counts, symbols: symbols };
  }
  function symbol(code) {
    let word = 0, first = 0, index = 0;
    for (let length = 1; length < 16; length++) {
      word |= read(1);
      const count = code.counts[length];
      if (word - count < first) return code.symbols[index + (word - first)];
      index += count; first = (first + count) << 1; word <<= 1;
    }
    throw new Error('damaged data');
  }
  const fixed = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
  let last = 0;
  while (!last) {
    last = read(1);
    const kind = read(2);
    if (kind === 0) {
      bits = 0; held = 0;
      const count = input[at] | (input[at + 1] << 8);
      at += 4; room(count);
      out.set(input.subarray(at, at + count), size);
      at += count; size += count;
      continue;
    }
    let literals = tree(fixed), distances = tree(new Uint8Array(30).fill(5));
    if (kind === 2) {
      const nLiterals = read(5) + 257, nDistances = read(5) + 1, nCodes = read(4) + 4;
      const codeLengths = new Uint8Array(19);
      for (let i = 0; i < nCodes; i++) codeLengths[codeOrder[i]] = read(3);
      const codes = tree(codeLengths), lengths = new Uint8Array(nLiterals + nDistances);
      for (let i = 0; i < lengths.length;) {
        const word = symbol(codes);
        if (word < 16) { lengths[i++] = word; continue; }
        const value = word === 16 ? lengths[i - 1] : 0;
        let repeat = word === 16 ? 3 + read(2) : word === 17 ? 3 + read(3) : 11 + read(7);
        while (repeat--) lengths[i++] = value;
      }
      literals = tree(lengths.subarray(0, nLiterals));
      distances = tree(lengths.subarray(nLiterals));
    }
    for (;;) {
      const word = symbol(literals);
      if (word === 256) break;
      if (word < 256) { room(1); out[size++] = word; continue; }
      const length = lengthBase[word - 257] + read(lengthExtra[word - 257]);
      const code = symbol(distances);
      const back = distBase[code] + read(code < 4 ? 0 : (code >> 1) - 1);
      room(length);
      for (let i = 0; i < length; i++, size++) out[size] = out[size - back];
    }
  }
  return out.subarray(0, size);
};

/* One packed layer to {n, columns..., geo}. Text columns become arrays of strings or null. */
MI.unpack = function (packed) {
  const layer = { n: packed.n, geo: packed.geo ? MI.geometry(packed.geo) : null };
  for (const name of Object.keys(packed.cols)) {
    const column = packed.cols[name];
    layer[name] = Array.isArray(column) ? column : column.i.map(i => (i < 0 ? null : column.d[i]));
  }
  return layer;
};

/* Delta-coded integers to degrees and to unit Mercator (0..1 over the world), with boxes. */
MI.geometry = function (packed) {
  const count = packed.xy.length / 2;
  const lng = new Float64Array(count), lat = new Float64Array(count);
  const ux = new Float64Array(count), uy = new Float64Array(count);
  let x = 0, y = 0;
  for (let i = 0; i < count; i++) {
    x += packed.xy[2 * i]; y += packed.xy[2 * i + 1];
    lng[i] = x / 1e5; lat[i] = y / 1e5;
    ux[i] = lng[i] / 360 + 0.5;
    const sine = Math.sin(lat[i] * Math.PI / 180);
    uy[i] = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
  }
  const starts = new Int32Array(packed.sizes.length + 1);
  for (let i = 0; i < packed.sizes.length; i++) starts[i + 1] = starts[i] + packed.sizes[i];
  const first = new Int32Array(packed.parts.length + 1);
  for (let i = 0; i < packed.parts.length; i++) first[i + 1] = first[i] + packed.parts[i];
  const boxes = new Float64Array(4 * packed.sizes.length);
  for (let part = 0; part < packed.sizes.length; part++) {
    let west = Infinity, north = Infinity, east = -Infinity, south = -Infinity;
    for (let i = starts[part]; i < starts[part + 1]; i++) {
      if (ux[i] < west) west = ux[i];
      if (ux[i] > east) east = ux[i];
      if (uy[i] < north) north = uy[i];
      if (uy[i] > south) south = uy[i];
    }
    boxes.set([west, north, east, south], 4 * part);
  }
  return { kind: packed.kind, n: packed.parts.length, lng, lat, ux, uy, starts, first, boxes };
};

/* Parts of feature i as arrays of [lat, lng]. */
MI.latlngs = function (geo, i) {
  const parts = [];
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    const line = [];
    for (let v = geo.starts[part]; v < geo.starts[part + 1]; v++) line.push([geo.lat[v], geo.lng[v]]);
    parts.push(line);
  }
  return parts;
};

/* [[south, west], [north, east]] of feature i. */
MI.bounds = function (geo, i) {
  let south = 90, north = -90, west = 180, east = -180;
  for (let v = geo.starts[geo.first[i]]; v < geo.starts[geo.first[i + 1]]; v++) {
    south = Math.min(south, geo.lat[v]); north = Math.max(north, geo.lat[v]);
    west = Math.min(west, geo.lng[v]); east = Math.max(east, geo.lng[v]);
  }
  return [[south, west], [north, east]];
};

/* A point to show feature i at: halfway along its longest part; a polygon's box middle. */
MI.middle = function (geo, i) {
  if (geo.kind === 'polygon') {
    const box = MI.bounds(geo, i);
    return [(box[0][0] + box[1][0]) / 2, (box[0][1] + box[1][1]) / 2];
  }
  let best = geo.first[i], longest = -1;
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    const length = MI.lengthOf(geo, part);
    if (length > longest) { longest = length; best = part; }
  }
  let left = longest / 2, v = geo.starts[best];
  const end = geo.starts[best + 1] - 1;
  for (; v < end; v++) {
    const step = Math.hypot(geo.ux[v + 1] - geo.ux[v], geo.uy[v + 1] - geo.uy[v]);
    if (step >= left) {
      const share = step ? left / step : 0;
      return [geo.lat[v] + share * (geo.lat[v + 1] - geo.lat[v]), geo.lng[v] + share * (geo.lng[v + 1] - geo.lng[v])];
    }
    left -= step;
  }
  return [geo.lat[v], geo.lng[v]];
};

MI.lengthOf = function (geo, part) {
  let length = 0;
  for (let v = geo.starts[part]; v < geo.starts[part + 1] - 1; v++) {
    length += Math.hypot(geo.ux[v + 1] - geo.ux[v], geo.uy[v + 1] - geo.uy[v]);
  }
  return length;
};
