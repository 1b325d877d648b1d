import type { Report } from '../report';
import { isStageType, STAGE_NAME, STAGE_SCHEMAS, STAGE_TYPES, stageKeys, TOP_KEYS } from '../schema/experiment';
import type { StageConfig, StageType } from '../schema/experiment';
import { FOREIGN_TYPES } from '../schema/foreign';
import { LATER_STAGE_TYPES } from '../schema/later';
import { nearest, snakeCase } from '../suggest';
import { entryOf, valueOf, type Entry, type MapTree, type ScalarTree } from '../tree';
import { checkKeys } from './keys';
import { describe } from './value';

/** The stage with its defaults, or undefined with diagnostics in the report. */
export function checkStage(entry: Entry, report: Report): StageConfig | undefined {
  const path = ['stages', entry.key];
  const named = checkName(entry, path, report);
  const map = entry.value;
  if (map.kind !== 'map') {
    const empty = map.kind === 'scalar' && map.empty;
    report.addAtKey(entry, {
      code: 'not-a-map',
      message: `The stage \`${entry.key}\` ${empty ? 'is empty' : `must be a map of keys, but is ${describe(map)}`}.`,
      hint: 'Write its keys below it, indented by two more spaces and with a blank behind each colon, first of all `type: sft`.',
      path,
    });
    return undefined;
  }
  const type = checkType(entry, map, path, report);
  if (type === undefined) return undefined;
  const before = report.diagnostics.length;
  const values = checkKeys(map, stageKeys(type), {
    report,
    path,
    owner: /^(sft|evaluate|rloo)$/.test(type) ? `an ${type} stage` : `a ${type} stage`,
    at: entry,
    elsewhere: (key) => elsewhere(key, type),
  });
  if (!named || report.diagnostics.slice(before).some(({ severity }) => severity === 'error')) return undefined;
  const parsed = STAGE_SCHEMAS[type].safeParse(Object.fromEntries(values));
  return parsed.success ? parsed.data : undefined;
}

const typesInWords = `${STAGE_TYPES.slice(0, -1).join(', ')} or ${STAGE_TYPES.at(-1)}`;

function checkName(entry: Entry, path: readonly string[], report: Report): boolean {
  if (STAGE_NAME.test(entry.key)) return true;
  const better = snakeCase(entry.key)
    .replace(/[^a-z0-9_-]+/g, '_')
    .replace(/^[^a-z]+/, '');
  report.addAtKey(entry, {
    code: 'bad-name',
    message: `\`${entry.key}\` cannot be the name of a stage.`,
    hint: `A name starts with a letter and holds small letters, digits, \`_\` and \`-\`${better ? `, such as \`${better}\`` : ''}.`,
    path,
    fixes: better ? [report.replace(entry.keyRange, better, `Rename to \`${better}\``)] : [],
  });
  return false;
}

function checkType(entry: Entry, map: MapTree, path: readonly string[], report: Report): StageType | undefined {
  const types = typesInWords;
  const typeEntry = entryOf(map, 'type');
  const typePath = [...path, 'type'];
  if (!typeEntry) {
    const near = map.entries.find(({ key }) => key !== 'type' && nearest(key, ['type']) === 'type' && key.length < 6);
    const fixes = near ? [report.replace(near.keyRange, 'type', 'Change to `type`')] : [];
    report.add(near ? near.keyRange : entry.keyRange, {
      code: 'missing-key',
      message: `\`${path.join('.')}\` has no \`type\`.`,
      hint: near
        ? 'Did you mean `type`?'
        : `Add \`type: sft\` (or ${STAGE_TYPES.filter((type) => type !== 'sft').join(', ')}) as the first line of the stage.`,
      path: typePath,
      fixes,
    });
    return undefined;
  }
  const tree = typeEntry.value;
  const type = valueOf(tree);
  if (isStageType(type)) return type;
  if (tree.kind === 'scalar' && tree.empty) {
    report.addAtKey(typeEntry, {
      code: 'missing-value',
      message: `\`${typePath.join('.')}\` has no value.`,
      hint: `Write ${types}.`,
      path: typePath,
    });
    return undefined;
  }
  if (typeof type !== 'string' || tree.kind !== 'scalar') {
    report.add(tree, {
      code: 'wrong-type',
      message: `\`${typePath.join('.')}\` must be ${types}, but is ${describe(tree)}.`,
      hint: `Write ${types}.`,
      path: typePath,
    });
    return undefined;
  }
  unknownType(type, tree, typePath, report);
  return undefined;
}

function unknownType(type: string, tree: ScalarTree, path: readonly string[], report: Report): void {
  const meant = FOREIGN_TYPES.get(snakeCase(type)) ?? nearest(type, [...STAGE_TYPES, ...LATER_STAGE_TYPES.keys()]);
  const later = LATER_STAGE_TYPES.get(type) ?? (meant === undefined ? undefined : LATER_STAGE_TYPES.get(meant));
  if (later !== undefined) {
    const message = `\`${path.join('.')}\`: stages of type \`${LATER_STAGE_TYPES.has(type) ? type : meant}\` do not run yet.`;
    report.add(tree, { code: 'not-yet', message, hint: later, path });
    return;
  }
  report.add(tree, {
    code: 'unknown-type',
    message: `\`${path.join('.')}\`: there is no type of stage called \`${type}\`.`,
    hint: meant ? `Did you mean \`${meant}\`?` : `Write ${typesInWords}.`,
    path,
    fixes: meant ? [report.replace(tree.range, meant, `Change to \`${meant}\``)] : [],
  });
}

/** A key that is right in another place. */
function elsewhere(key: string, type: StageType): string | undefined {
  if (TOP_KEYS.has(key) && key !== 'stages')
    return `\`${key}\` stands once at the top of the file and holds for all stages. Move it there.`;
  const others = STAGE_TYPES.filter((other) => other !== type && stageKeys(other).has(key));
  return others.length > 0 ? `It is a key of ${others.join(', ')} stages. Remove it here.` : undefined;
}
