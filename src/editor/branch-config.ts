import { parse } from 'yaml';
import { UserError } from '../config/errors';
import { isStageType, stageKeys, stageSchema } from '../config/schema/experiment';

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A run's config.json with `key=value` settings written over its stage's keys.
 * Throws a UserError that names the first setting that does not fit.
 */
export function branchedConfig(config: unknown, settings: string): unknown {
  const words = settings.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return config;
  if (!isFields(config) || !isFields(config.config) || !isStageType(config.config.type)) {
    throw new UserError('The config of the run is damaged.', { hint: 'Branch from another run.' });
  }
  const keys = stageKeys(config.config.type);
  const changed: Fields = { ...config.config };
  for (const word of words) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(word) ?? [];
    const spec = keys.get(key);
    if (!spec) {
      throw new UserError(key ? `A ${String(changed.type)} stage has no key ${key}.` : `${word} is no setting.`, {
        hint: 'Write key=value, such as learning_rate=1e-4.',
      });
    }
    changed[key] = parse(value);
    const parsed = stageSchema.safeParse(changed);
    if (!parsed.success) throw new UserError(`${key} must be ${spec.expects}.`);
  }
  return { ...config, config: stageSchema.parse(changed) };
}
