/**
 * The colours of players, and the two that belong to nobody.
 *
 * The hues are spread in lightness as well, and neighbours that colour-blind eyes confuse wear different markings on
 * the hull, so that colour is never the only sign.
 */

/** One colour in its three tones, and the marking that goes with it. */
export interface Paint {
  readonly name: string;
  readonly tint: string;
  readonly light: string;
  readonly dark: string;
  readonly livery: Livery;
}

/** Marking on a hull. The names are those of the custom properties in the hull sprites. */
export type Livery = 'band' | 'bars' | 'chevron' | 'tips';

/** All markings, in the order of the sprites. */
export const LIVERIES: readonly Livery[] = ['band', 'bars', 'chevron', 'tips'];

/** How many colours a player can choose from; a player's colour is an index below this. */
export const PLAYER_COLOURS = 12;

/** Colour number of what belongs to no player: stone, and a killer that is none. The protocol says 12. */
export const STONE = 12;

/** Index of the colour of fire. Only this page uses it. */
export const EMBER = 13;

/** Every paint: the players' first, then stone and ember. */
export const PAINTS: readonly Paint[] = [
  { name: 'Amber', tint: '#ffb020', light: '#ffe3a1', dark: '#7a4a00', livery: 'band' },
  { name: 'Sky', tint: '#52b7f5', light: '#c9ebff', dark: '#0d4a78', livery: 'bars' },
  { name: 'Vermilion', tint: '#ff5b38', light: '#ffc2ad', dark: '#7d1d0a', livery: 'chevron' },
  { name: 'Jade', tint: '#16c793', light: '#a8f5da', dark: '#065942', livery: 'tips' },
  { name: 'Orchid', tint: '#ea7fd0', light: '#ffd3f3', dark: '#6f2260', livery: 'band' },
  { name: 'Lemon', tint: '#f6ea4f', light: '#fffbc4', dark: '#6d6508', livery: 'chevron' },
  { name: 'Cobalt', tint: '#5a7dff', light: '#c3d0ff', dark: '#1b2f8c', livery: 'tips' },
  { name: 'Lime', tint: '#9be34a', light: '#ddfbb4', dark: '#3d6410', livery: 'bars' },
  { name: 'Rose', tint: '#ff7d95', light: '#ffd2da', dark: '#80243a', livery: 'tips' },
  { name: 'Cyan', tint: '#35e0e6', light: '#bffbfd', dark: '#07585f', livery: 'chevron' },
  { name: 'Violet', tint: '#a981ff', light: '#dfd0ff', dark: '#42248f', livery: 'bars' },
  { name: 'Ivory', tint: '#f1ecdc', light: '#ffffff', dark: '#6a6452', livery: 'band' },
  { name: 'Stone', tint: '#66718d', light: '#98a4bf', dark: '#252d3f', livery: 'band' },
  { name: 'Ember', tint: '#ff7d2a', light: '#ffd392', dark: '#6b2400', livery: 'band' },
];

/** The paint of a colour number; anything out of range is stone. */
export function paintOf(colour: number): Paint {
  return PAINTS[paintIndex(colour)] as Paint;
}

/** A colour number as an index into `PAINTS`. */
export function paintIndex(colour: number): number {
  return colour >= 0 && colour < PAINTS.length ? colour : STONE;
}
