import { parse } from 'yaml';
import { exampleOf } from './checks/value';
import { UserError } from './errors';
import { isStageType, stageKeys, stageSchema } from './schema/experiment';
import { nearest } from './suggest';

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A run's config.json with `key=value` settings written over its stage's keys, for a branch of it.
 * Throws a UserError that names the first setting that does not fit.
 */
export function branchedConfig(config: unknown, settings: readonly string[]): unknown {
  if (settings.length === 0) return config;
  if (!isFields(config) || !isFields(config.config) || !isStageType(config.config.type))
    throw new UserError('The config of the run is damaged.', { hint: 'Branch from another run.' });
  const keys = stageKeys(config.config.type);
  const changed: Fields = { ...config.config };
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    const key = equals < 0 ? '' : setting.slice(0, equals).trim();
    if (key === '')
      throw new UserError(`The setting \`${setting}\` has no key and value.`, {
        hint: 'Write key=value, such as learning_rate=1e-4.',
      });
    const spec = keys.get(key);
    if (!spec) {
      const near = [...keys.values()].find(({ aliases }) => aliases?.includes(key))?.name ?? nearest(key, keys.keys());
      throw new UserError(`A stage of type ${String(changed.type)} has no key \`${key}\`.`, {
        hint: near ? `Did you mean \`${near}\`?` : `Its keys are ${[...keys.keys()].join(', ')}.`,
      });
    }
    const written = setting.slice(equals + 1);
    changed[key] = valueOf(written, setting);
    if (!stageSchema.safeParse(changed).success)
      throw new UserError(`\`${key}\` must be ${spec.expects}, but is ${written.trim() || 'empty'}.`, {
        hint: `For example ${key}=${exampleOf(spec)}.`,
      });
  }
  return { ...config, config: stageSchema.parse(changed) };
}

function valueOf(text: string, setting: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new UserError(`The value in the setting \`${setting}\` cannot be read.`, {
      hint: 'Write key=value, such as learning_rate=1e-4.',
      cause,
    });
  }
}
