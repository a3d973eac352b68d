import type { Flags, Layer, Numbers, Words } from "../../page/js/types.d.ts";

declare module "../../page/js/types.d.ts" {
  interface Layers {
    eco_zones: Layer & {
      segment_id: string[];
      border_id: string[];
      city_id: string[];
      belt_km: number[];
      km_from: number[];
      km_to: number[];
      area_km2: number[];
      ecological_pct: number[];
      farmland_pct: number[];
      urban_pct: number[];
      unknown_pct: number[];
      zone: string[];
      similarity_across: Numbers;
      guidance: string[];
    };
    land: Layer & { land_class: string[]; evidence: Words; city_id: string[]; border_id: string[] };
    corridors: Layer & {
      corridor_id: string[];
      border_id: string[];
      land_class: string[];
      area_km2_a: number[];
      area_km2_b: number[];
      is_protected: Flags;
    };
    shared_rivers: Layer & {
      river_id: string[];
      border_id: string[];
      name: Words;
      relation: string[];
      upstream_city: Words;
      downstream_city: Words;
      buffer_m: number[];
    };
    /** The nearest first. */
    conflicts: Layer & {
      conflict_id: string[];
      border_id: string[];
      kind: string[];
      source_city: string[];
      exposed_city: string[];
      distance_m: number[];
    };
    sites: Layer & { site_id: string[]; border_id: string[]; medium: string[]; reason: string[] };
  }
}
