import { z } from 'zod';
import { defaultMarkdown } from '../describe';
import { experimentSchema, STAGE_TYPES, stageKeys, TOP_KEYS, type StageType } from './experiment';
import type { KeySpec } from './meta';

const OURS = ['doc', 'expects', 'source', 'aliases', 'defaultText', 'usual', 'example', 'role'] as const;

/** The JSON Schema (draft 2020-12) of a whole config file, for editors that know no other. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(experimentSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (typeof jsonSchema.doc === 'string') {
        jsonSchema.description = jsonSchema.doc;
        if (typeof jsonSchema.example === 'string' && jsonSchema.type === 'string')
          jsonSchema.examples = [jsonSchema.example];
      }
      for (const key of OURS) delete jsonSchema[key];
    },
  });
  return { ...schema, title: 'Alignment Lab experiment' };
}

/** All keys as markdown tables, for the README. */
export function referenceTable(): string {
  const sections = [`### The file\n\n${table([...TOP_KEYS.values()])}`];
  const shared = sharedKeys();
  for (const type of STAGE_TYPES) {
    const keys = [...stageKeys(type).values()].filter(({ name }) => !shared.includes(name) && name !== 'type');
    sections.push(`### \`type: ${type}\`\n\n${stageKeys(type).get('type')?.doc ?? ''}\n\n${table(keys)}`);
  }
  const common = [...stageKeys('sft').values()].filter(({ name }) => shared.includes(name));
  sections.push(`### Keys of every stage that trains\n\n${table(common)}`);
  return `${sections.join('\n\n')}\n`;
}

/** Keys that say the same in all types of stage. */
function sharedKeys(): string[] {
  const same = (name: string, type: StageType) => {
    const [one, other] = [stageKeys('sft').get(name), stageKeys(type).get(name)];
    return one !== undefined && other !== undefined && row(one) === row(other);
  };
  return [...stageKeys('sft').keys()].filter((name) => STAGE_TYPES.every((type) => same(name, type)));
}

function table(specs: readonly KeySpec[]): string {
  const head = '| Key | Default | What it is | Elsewhere called |\n| --- | --- | --- | --- |';
  return [head, ...specs.map(row)].join('\n');
}

function row(spec: KeySpec): string {
  const value = spec.required ? 'required' : defaultMarkdown(spec);
  const names = (spec.aliases ?? []).slice(0, 4).map((name) => `\`${name}\``);
  const cells = [`\`${spec.name}\``, value, spec.doc, names.join(', ')];
  return `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
}
