import { z } from 'zod';
import { defaultMarkdown } from '../describe';
import { experimentSchema, STAGE_TYPES, stageKeys, TOP_KEYS, type StageType } from './experiment';
import type { KeySpec } from './meta';

const OURS = ['doc', 'expects', 'source', 'aliases', 'defaultText', 'usual', 'example', 'role', 'takes'] as const;

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

const TRAINING: readonly StageType[] = STAGE_TYPES.filter((type) => type !== 'generate' && type !== 'evaluate');
const POLICY: readonly StageType[] = ['ppo', 'grpo', 'rloo'];

/** All keys as markdown tables, for the README: what types of stage share stands once, after all types. */
export function referenceTable(): string {
  const sections = [`### The file\n\n${table([...TOP_KEYS.values()].map((spec) => row(spec)))}`];
  const common = sharedKeys(TRAINING);
  const policy = sharedKeys(POLICY).filter((name) => !common.includes(name));
  for (const type of STAGE_TYPES) {
    const shared = [...(TRAINING.includes(type) ? common : []), ...(POLICY.includes(type) ? policy : [])];
    const keys = [...stageKeys(type).values()].filter(({ name }) => !shared.includes(name) && name !== 'type');
    sections.push(
      `### \`type: ${type}\`\n\n${stageKeys(type).get('type')?.doc ?? ''}\n\n${table(keys.map((spec) => row(spec)))}`,
    );
  }
  const rows = (names: readonly string[], types: readonly StageType[]) =>
    table(names.map((name) => sharedRow(name, types)));
  sections.push(`### Keys of ppo, grpo and rloo\n\n${rows(policy, POLICY)}`);
  sections.push(`### Keys of every stage that trains\n\n${rows(common, TRAINING)}`);
  return `${sections.join('\n\n')}\n`;
}

/** Keys that say the same in all these types of stage, but perhaps for their defaults. */
function sharedKeys(types: readonly StageType[]): string[] {
  const [first, ...others] = types;
  const same = (spec: KeySpec) =>
    others.every((type) => {
      const other = stageKeys(type).get(spec.name);
      return other !== undefined && row(other, '') === row(spec, '');
    });
  return [...stageKeys(first).values()].filter((spec) => spec.name !== 'type' && same(spec)).map(({ name }) => name);
}

/** With one default where all have the same, else with the commonest and those that differ. */
function sharedRow(name: string, types: readonly StageType[]): string {
  const specs = types.flatMap((type) => stageKeys(type).get(name) ?? []);
  const defaults = new Map<string, StageType[]>();
  specs.forEach((spec, i) => {
    const value = valueCell(spec);
    defaults.set(value, [...(defaults.get(value) ?? []), types[i]]);
  });
  const [first, ...others] = [...defaults].sort((a, b) => b[1].length - a[1].length);
  const text = [first[0], ...others.map(([value, differing]) => `${differing.join(', ')} ${value}`)].join('; ');
  return row(specs[0], text);
}

function table(rows: readonly string[]): string {
  return ['| Key | Default | What it is | Elsewhere called |\n| --- | --- | --- | --- |', ...rows].join('\n');
}

function valueCell(spec: KeySpec): string {
  return spec.required ? 'required' : defaultMarkdown(spec);
}

function row(spec: KeySpec, value = valueCell(spec)): string {
  const names = (spec.aliases ?? []).slice(0, 4).map((name) => `\`${name}\``);
  const cells = [`\`${spec.name}\``, value, spec.doc, names.join(', ')];
  return `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
}
