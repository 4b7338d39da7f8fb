/**
 * From values in the names and units of the file to settings of the program, and back. Both
 * directions go by the keys alone, so that a new key needs nothing here.
 *
 * @module
 */

import { type Key, type Keys, mapKeys, type SettingsOf, type ValuesOf } from "./key.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** Turns checked values into settings. */
export function toSettings<Below extends Keys>(
  keys: Below,
  values: ValuesOf<Below>,
): SettingsOf<Below> {
  const settings = Object.entries(keys)
    .map(([name, key]) => [camelCase(name), toSetting(key, (values as Mapping)[name])]);
  return Object.fromEntries(settings) as SettingsOf<Below>;
}

/** Turns settings into what would be written in the file: `null` for a setting that is absent. */
export function toFileValues<Below extends Keys>(
  keys: Below,
  settings: SettingsOf<Below>,
): Record<keyof Below & string, unknown> {
  const fileValues = mapKeys(
    keys,
    (key, name) => toFileValue(key, (settings as Mapping)[camelCase(name)]),
  );
  return fileValues as Record<keyof Below & string, unknown>;
}

function toSetting(key: Key, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (key.keys !== undefined) return toSettings(key.keys, value as Mapping);
  if (key.each !== undefined) {
    const { each } = key;
    return mapValues(value as Mapping, (below) => toSetting(each, below));
  }
  return key.toSetting === undefined ? value : key.toSetting(value);
}

function toFileValue(key: Key, setting: unknown): unknown {
  if (setting === undefined) return null;
  if (key.keys !== undefined) return toFileValues(key.keys, setting as Mapping);
  if (key.each !== undefined) {
    const { each } = key;
    return mapValues(setting as Mapping, (below) => toFileValue(each, below));
  }
  return key.toFile === undefined ? setting : key.toFile(setting);
}

function mapValues(mapping: Mapping, change: (value: unknown) => unknown): Mapping {
  return Object.fromEntries(Object.entries(mapping).map(([name, value]) => [name, change(value)]));
}

/** `negative_ttl` is `negativeTtl` in the program. */
function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
