import { parse } from 'yaml';
import { UserError } from './errors';
import { isStageType, stageKeys, stageSchema } from './schema/experiment';

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
    const spec = keys.get(key);
    if (!spec)
      throw new UserError(key ? `A ${String(changed.type)} stage has no key ${key}.` : `${setting} is no setting.`, {
        hint: 'Write key=value, such as learning_rate=1e-4.',
      });
    changed[key] = parse(setting.slice(equals + 1));
    if (!stageSchema.safeParse(changed).success) throw new UserError(`${key} must be ${spec.expects}.`);
  }
  return { ...config, config: stageSchema.parse(changed) };
}
