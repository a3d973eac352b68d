/**
 * What a page is given (written by pipeline/render) and what its modules hand to one another.
 *
 * Layers of a theme stand in the theme's own types.d.ts, which adds them to `Layers` here.
 * Columns and nulls are those of the layers' declarations; a test holds the names together.
 */
import type * as Leaflet from "leaflet";

/* --- as packed by pipeline/render/encode.py ---------------------------------------- */

/** Words, and for each row the index of its word; -1 is null. */
export interface PackedText {
  d: string[];
  i: number[];
}
export type PackedColumn = (number | null)[] | PackedText;
export type GeometryKind = "point" | "line" | "polygon";

/** Vertices as differences of units of 1e-5 degree, longitude before latitude. */
export interface PackedGeometry {
  kind: GeometryKind;
  /** Parts of each feature; a polygon's rings are parts. */
  parts: number[];
  /** Vertices of each part. */
  sizes: number[];
  xy: number[];
}
export interface PackedLayer {
  n: number;
  cols: Record<string, PackedColumn>;
  geo?: PackedGeometry;
}

/* --- as unpacked by decode.js ------------------------------------------------------- */

export interface Geometry {
  kind: GeometryKind;
  n: number;
  /** WGS84 degrees of each vertex. */
  lng: Float64Array;
  lat: Float64Array;
  /** Web Mercator of each vertex, 0 to 1 over the world, y southwards. */
  ux: Float64Array;
  uy: Float64Array;
  /** Part p has the vertices starts[p] to starts[p + 1] - 1. */
  starts: Int32Array;
  /** Feature i has the parts first[i] to first[i + 1] - 1. */
  first: Int32Array;
  /** West, north, east, south of each part in unit Mercator. */
  boxes: Float64Array;
}

export type Words = (string | null)[];
export type Numbers = (number | null)[];
/** 1 or 0. */
export type Flags = number[];

export interface Table {
  n: number;
}
export interface Layer extends Table {
  geo: Geometry;
}

export interface Layers {
  cities: Layer & {
    city_id: string[];
    name: string[];
    name_en: Words;
    population: Numbers;
    area_km2: number[];
    centre_lon: Numbers;
    centre_lat: Numbers;
    is_core: Flags;
    /** Without tones, for whoever types it; null where the name is not in Chinese. */
    pinyin: Words;
  };
  districts: Layer & {
    county_id: string[];
    city_id: string[];
    name: string[];
    area_km2: number[];
    pinyin: Words;
  };
  borders: Layer & {
    border_id: string[];
    city_a: string[];
    city_b: string[];
    level: string[];
    name: string[];
    length_km: number[];
    natural_share_pct: number[];
  };
  roads: Layer & { rank: number[]; is_open: Flags; name: Words; ref: Words };
  rail: Layer & { kind: string[]; is_open: Flags; is_highspeed: Flags; name: Words };
  rivers: Layer & { kind: string[]; name: Words };
  water: Layer & { name: Words };
  wood: Layer;
  built: Layer;
  places: Layer & {
    name: string[];
    place: string[];
    population: Numbers;
    city_id: Words;
    pinyin: Words;
  };
  zones: Layer & {
    cell: string[];
    city_id: string[];
    population: Numbers;
    population_evidence: string[];
    minutes_to_core: Numbers;
    minutes_to_core_peak: Numbers;
    minutes_to_core_transit: Numbers;
    nearest_centre: Words;
    minutes_to_nearest_centre: Numbers;
    population_30min: Numbers;
    population_45min: Numbers;
    population_60min: Numbers;
    cross_border_share_60min_pct: Numbers;
    transport_performance: Numbers;
    is_edge_zone: Flags;
    hospital_access: Numbers;
    school_access: Numbers;
    university_access: Numbers;
    minutes_to_hospital: Numbers;
    minutes_to_school: Numbers;
    minutes_to_university: Numbers;
    reason: Words;
  };
  index: Table & {
    border_id: Words;
    city_id: Words;
    dimension: string[];
    score: Numbers;
    score_low: Numbers;
    score_high: Numbers;
    score_zone_error: Numbers;
    coverage_pct: Numbers;
  };
}
export type LayerName = keyof Layers;
export type Column = (string | number | null)[];

export type Language = "zh" | "en";

/** A colour, and how a line of it is dashed (pixels; empty: not). */
export interface Stroke {
  color: string;
  dash: string;
}
export interface Score {
  score: number | null;
  low: number | null;
  high: number | null;
  /** What the cut of the zones may do to it, either way. */
  zone_error: number | null;
  coverage_pct: number | null;
}

/** The figures of the metro, each null where it is not known. */
export interface Figures extends CircleFigures {
  cities: number | null;
  population: number | null;
  area_km2: number | null;
  borders: number | null;
  border_km: number | null;
  dead_ends: number | null;
  missing_links: number | null;
  links_to_build: number | null;
  links_under_construction: number | null;
  links_natural_barrier: number | null;
  mapping_gaps: number | null;
  bottlenecks: number | null;
  crossings: number | null;
  crossings_per_100km: number | null;
  conflicts: number | null;
  border_effect_pct: number | null;
  belt_unknown_pct: number | null;
  index: number | null;
}
/** Shares of people and of area within an hour of the core, by mode. */
export type CircleFigures = {
  [key in `circle_${"drive" | "peak" | "transit"}_${"people" | "area"}_pct`]: number | null;
};

/** The page's data but for its layers, which are unpacked apart. */
export interface Payload {
  language: Language;
  metro: { id: string; name: string; name_en: string; scope: string | null; core: string | null };
  facts: {
    source_kind: string;
    source_files: string[];
    osm_snapshot: string | null;
    is_synthetic: boolean;
    notes: string[];
    made_at: string;
    version: string;
    crs_note: string;
  };
  boundary_source: string;
  has_population_raster: boolean;
  has_land_cover: boolean;
  land_cover_note: string | null;
  /** Rasters fetched for the run, by table of the metro file: what each is, its licence, its credit. */
  fetched: Record<string, string | null>;
  /** West, south, east, north in degrees. */
  bounds: [number, number, number, number];
  figures: Figures;
  index: Record<string, Score>;
  belt_unknown: Record<string, number>;
  account: [string, string, number][];
  thinned: Record<string, [number, number]>;
  briefs: Record<string, string>;
  /** Upper limits of the cost classes low, medium, high, in million yuan. */
  cost_limits_m_cny: number[];
  style: {
    status: Record<string, Stroke & { shape: MarkerShape }>;
    /** Limits between low, middle and high confidence. */
    confidenceBreaks: number[];
    /** By kind; one that is not counted is drawn and listed, but is in no figure. */
    bottleneck: Record<string, Stroke & { shape: MarkerShape; is_counted: boolean }>;
    zone: Record<string, string>;
    land: Record<string, string>;
    /** Lines over the colours of zones and land. */
    hatch: Record<string, Hatch>;
    conflict: Record<string, Stroke>;
    minutesBreaks: number[];
    minutesColours: string[];
    quantileColours: string[];
    scoreBreaks: number[];
    scoreColours: string[];
    noData: string;
    cityTints: string[];
  };
  basemaps: Record<string, string>;
  messages: Record<Language, Record<string, string>>;
}

/* --- markup ---------------------------------------------------------------------------- */

export type Child = Node | string | number | null | undefined;
export type Children = Child | Child[];

/* --- what themes register (registry.js) -------------------------------------------------- */

export interface Theme {
  /** Place among the tabs: lower stands further left. */
  order: number;
  /** Keys of its overlays; the last one stands first in the legend. */
  overlays: string[];
  /** Those that are off until they are asked for. */
  off?: string[];
  /** The choice that says by which measure its zones are coloured. */
  measure?: string;
  panel: () => (Node | null)[];
}

/** A marker on the map, filled. */
export type Hatch = "rising" | "falling" | "cross" | "level";
export type MarkerShape = "circle" | "square" | "diamond" | "triangle";
/** What stands before a line of the legend. */
export type Shape =
  "line" | "fill" | "hatch" | "dot" | "badge" | "ring" | "none" | Exclude<MarkerShape, "circle">;
export interface IconStyle {
  color?: string;
  dash?: string;
  width?: number;
  radius?: number;
  opacity?: number;
  border?: string;
  /** Below the lines of a hatching. */
  ground?: string;
  hatch?: Hatch;
  label?: string;
}
export type LegendItem = [Shape, IconStyle, string];

/** Areas that find the feature under a point by themselves. */
export interface HitLayer extends Leaflet.Layer {
  hit(latlng: Leaflet.LatLng): number;
}

export interface Overlay {
  layer: LayerName;
  /** Drawn above those of a lower number. */
  order: number;
  make: () => Leaflet.LayerGroup | HitLayer;
  legend: () => LegendItem[];
  /** What the legend says behind the overlay's name. */
  suffix?: () => string;
  /** Number of features drawn; all of the layer where it is not given. */
  count?: () => number;
  /** Whether a feature of the layer is drawn here, where two overlays share a layer. */
  holds?: (i: number) => boolean;
  /** Looks different from theme to theme. */
  isByTheme?: boolean;
  /** Obeys the filters of the panel. */
  isFiltered?: boolean;
  /** A click on the map finds its areas. */
  isClickable?: boolean;
  /** Labels keep off its markers; lower numbers are asked first. */
  labelsAvoid?: number;
}

export type PopupRow = [string, Children];

export interface Feature {
  /** The column that names a feature in an address. */
  id?: string;
  /** Title and rows of the card; rows without a value are left out. */
  popup?: (i: number) => [string, PopupRow[]];
  /** Keys of the rows that stand first in the card; the first three where it is not given. */
  key?: string[];
  search?: {
    /** The message `found.<kind>` says what was found. */
    kind: string;
    /** Place among the results of other layers. */
    order: number;
    text: (i: number) => string | null;
    /** Further text that finds it. */
    extra?: (i: number) => string;
    /** Rows that can be found, in order; all where it is not given. */
    rows?: () => number[];
  };
}

export interface Choice {
  usual: () => string;
  offered: () => string[];
}
