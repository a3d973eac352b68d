import type { Flags, Layer, Numbers, Table, Words } from "../../page/js/types.d.ts";

declare module "../../page/js/types.d.ts" {
  interface Layers {
    /** By rank, unranked ones last. */
    missing_links: Layer & {
      link_id: string[];
      border_id: string[];
      from_node: string[];
      to_node: string[];
      from_city: string[];
      to_city: string[];
      /** Null where a through road meets the link, which has no dead end to name it. */
      from_road: Words;
      to_road: Words;
      highway: string[];
      gap_m: number[];
      detour_m: Numbers;
      detour_ratio: Numbers;
      minutes_saved: Numbers;
      obstacle: string[];
      status: string[];
      indicative_cost_class: string[];
      gain_person_min_a: Numbers;
      gain_person_min_b: Numbers;
      /** Of both sides. */
      gain_person_min: Numbers;
      /** Whether the gain exceeds its error: below it, no figure is shown. */
      is_gain_significant: Flags;
      /** Of both sides, whose mean trip gets more than a minute shorter. */
      people_gaining: Numbers;
      gain_person_hours_day: Numbers;
      /** Person-minutes, at the upper and the lower end of the cost range. */
      gain_per_m_cny_low: Numbers;
      gain_per_m_cny_high: Numbers;
      benefit_share_a_pct: Numbers;
      rank: Numbers;
      kind: string[];
      confidence: number[];
      near: Words;
      /** The settlement next to each end. */
      from_near: Words;
      to_near: Words;
      /** The county around each end. */
      from_county: Words;
      to_county: Words;
      from_end: Words;
      to_end: Words;
      from_way: Words;
      to_way: Words;
    };
    dead_ends: Layer & {
      dead_end_id: string[];
      border_id: string[];
      city_id: string[];
      node_id: string[];
      way_id: string[];
      highway: string[];
      name: Words;
      ref: Words;
      end_type: string[];
      kind: string[];
      status: string[];
      obstacle: Words;
      distance_to_border_m: number[];
      heading_deg: number[];
      link_id: Words;
      confidence: number[];
      near: Words;
    };
    /** By step. */
    build_sequence: Table & {
      step: number[];
      link_id: string[];
      /** Of this link and those before it. */
      total_person_min: number[];
      total_cost_m_cny: number[];
    };
    placebo: Table & {
      border_id: string[];
      what: string[];
      here: Numbers;
      mean: Numbers;
      low: Numbers;
      high: Numbers;
      replicates: number[];
    };
  }
}
