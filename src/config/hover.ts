import { keyMarkdown } from './describe';
import type { Range } from './diagnostic';
import { placeAt, stagesIn, type Place } from './place';
import { takesStage } from './reference';
import { isStageType, stageKeys } from './schema/experiment';
import { FOREIGN_KEYS } from './schema/foreign';
import { LATER_KEYS, LATER_STAGE_TYPES } from './schema/later';
import { keysAt } from './schema/lookup';
import type { KeySpec } from './schema/meta';
import { snakeCase } from './suggest';

export interface Hover {
  readonly range: Range;
  readonly markdown: string;
}

/** What to show at an offset of a text, which may be broken. */
export function hover(text: string, offset: number): Hover | undefined {
  const place = placeAt(text, offset);
  if (!place || place.key === '') return undefined;
  const markdown = place.part === 'key' ? keyHover(place, text) : valueHover(place, text);
  return markdown === undefined ? undefined : { range: place.range, markdown };
}

function keyHover(place: Place, text: string): string | undefined {
  const { path, key } = place;
  if (path.length === 1 && path[0] === 'stages') {
    const stage = stagesIn(text).get(key);
    const type = stage?.get('type');
    const from = stage?.get('model');
    const start = from ? ` It starts from \`${from}\`.` : '';
    return stage
      ? `**Stage \`${key}\`** ${type ? `(${type}). ${typeDoc(type) ?? ''}` : '(no type yet).'}${start}`
      : undefined;
  }
  const specs = keysAt(path, stageTypeOf(place, text));
  if (!specs) return undefined;
  const spec = specs.get(key);
  if (spec) return `**\`${key}\`**\n\n${keyMarkdown(spec)}`;
  return otherName(key, specs);
}

function otherName(key: string, specs: ReadonlyMap<string, KeySpec>): string | undefined {
  const name = snakeCase(key);
  const spec = [...specs.values()].find(({ aliases }) => aliases?.includes(name));
  if (spec) return `\`${key}\` is called **\`${spec.name}\`** here.\n\n${keyMarkdown(spec)}`;
  return LATER_KEYS.get(name) ?? FOREIGN_KEYS.get(name)?.explain;
}

function valueHover(place: Place, text: string): string | undefined {
  const { path, key, range } = place;
  const value = text.slice(range.start.offset, range.end.offset).replace(/^["']|["']$/g, '');
  if (key === 'type' && path.length === 2) return typeDoc(value);
  const spec = keysAt(path, stageTypeOf(place, text))?.get(key);
  const stage = spec && takesStage(spec) && path.length >= 2 ? stagesIn(text).get(value) : undefined;
  if (stage) {
    const type = stage.get('type') ? ` (${stage.get('type')})` : '';
    const what =
      type === ' (generate)' ? 'the pairs of its latest finished run, with their labels' : 'its latest finished run';
    return `The result of the stage \`${value}\`${type}: ${what}.`;
  }
  return spec && value !== '' ? `**\`${key}\`**\n\n${keyMarkdown(spec)}` : undefined;
}

/** The type of the stage that a place is in, as written. */
export function stageTypeOf(place: Place, text: string): string | undefined {
  if (place.path.length < 2) return undefined;
  if (place.path.length === 2 && place.siblings.has('type')) return place.siblings.get('type');
  return stagesIn(text).get(place.path[1])?.get('type');
}

export function typeDoc(type: string): string | undefined {
  if (isStageType(type)) return stageKeys(type).get('type')?.doc;
  const later = LATER_STAGE_TYPES.get(type);
  return later === undefined ? undefined : `Stages of type \`${type}\` do not run yet. ${later}`;
}
