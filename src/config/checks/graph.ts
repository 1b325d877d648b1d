import type { Report } from '../report';
import { looksLikePath, mentionsIn, takesStage, type Mention } from '../reference';
import { isStageType, stageKeys } from '../schema/experiment';
import type { KeySpec } from '../schema/meta';
import { nearest } from '../suggest';
import { entryOf, valueOf, type Entry, type MapTree, type Tree } from '../tree';
import { checkCycles, type Edge } from './cycle';

export interface ReferenceContext {
  readonly report: Report;
  /** Whether a bare name is a folder beside the config. */
  readonly isFolder: (name: string) => boolean;
}

/** The stages of the file by name, with their types as written. */
type Types = ReadonlyMap<string, string | undefined>;

interface Place {
  readonly tree: Tree;
  readonly path: readonly string[];
  /** The stage that it stands in; undefined at the top of the file. */
  readonly self: string | undefined;
}

/** Checks what stages name, in all stages, also in those with other errors. */
export function checkReferences(top: MapTree, stages: MapTree | undefined, context: ReferenceContext): void {
  const types = new Map(stages?.entries.map(({ key, value }) => [key, typeOf(value)]));
  const topModel = entryOf(top, 'model');
  if (topModel) checkTopModel(topModel, types, context);
  const edges: Edge[] = [];
  for (const stage of stages?.entries ?? []) {
    for (const mention of mentionsOf(stage.value)) {
      const tree = treeAt(stage.value, mention.path);
      if (!tree || tree.kind !== 'scalar') continue;
      const place: Place = { tree, path: ['stages', stage.key, ...mention.path], self: stage.key };
      if (takesStage(mention.spec)) checkReference(mention, place, types, context);
      else checkFile(mention, place, types, context.report);
      const target = mention.written;
      if (takesStage(mention.spec) && !looksLikePath(target) && types.has(target))
        edges.push({ from: stage.key, to: target, tree, path: place.path });
    }
  }
  checkCycles(edges, context.report);
}

function typeOf(stage: Tree): string | undefined {
  const type = entryOf(stage, 'type');
  const word = type && valueOf(type.value);
  return typeof word === 'string' ? word : undefined;
}

/** What a stage names; of a stage without a type, only its start and its data. */
function mentionsOf(stage: Tree): Mention[] {
  if (stage.kind !== 'map') return [];
  const type = typeOf(stage);
  const specs = isStageType(type)
    ? stageKeys(type)
    : new Map([...stageKeys('sft')].filter(([key]) => key === 'model' || key === 'data'));
  return mentionsIn(specs, Object(valueOf(stage)) as object);
}

function treeAt(tree: Tree, path: readonly string[]): Tree | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return tree;
  const next = tree.kind === 'list' ? tree.items[Number(step) - 1] : entryOf(tree, step)?.value;
  return next && treeAt(next, rest);
}

function checkTopModel(entry: Entry, types: Types, context: ReferenceContext): void {
  const written = valueOf(entry.value);
  const spec = stageKeys('sft').get('model');
  if (typeof written !== 'string' || !spec) return;
  if (!looksLikePath(written) && types.has(written)) {
    context.report.add(entry.value, {
      code: 'conflict',
      message: `\`model\` at the top of the file names the stage \`${written}\`; it takes a folder.`,
      hint: `Write \`model: ${written}\` in the stages that start from it.`,
      path: ['model'],
    });
    return;
  }
  const place: Place = { tree: entry.value, path: ['model'], self: undefined };
  checkReference({ spec, written, path: ['model'] }, place, new Map(), context);
}

function checkReference(mention: Mention, place: Place, types: Types, { report, isFolder }: ReferenceContext): void {
  const { spec, written } = mention;
  const { tree, path, self } = place;
  if (written === '') return;
  const field = `\`${path.join('.')}\``;
  if (/\.gguf$/i.test(written)) {
    const hint = 'Name a Hugging Face folder with config.json, tokenizer.json and model.safetensors.';
    report.add(tree, { code: 'not-yet', message: `${field}: .gguf files do not work yet.`, hint, path });
    return;
  }
  if (/^(https?|hf|s3|gs|git):/i.test(written)) {
    const what = spec.role === 'stage-or-labels' ? 'labels' : 'models';
    const hint = `Download it to a folder and write that folder, such as \`${spec.role === 'stage-or-labels' ? './labels/collect' : './model'}\`.`;
    report.add(tree, { code: 'not-yet', message: `${field}: ${what} are not downloaded yet.`, hint, path });
    return;
  }
  const isReward = spec.takes?.includes('reward') === true;
  if (isReward && /\.[cm]?[jt]s$/.test(written)) {
    const rule = path.at(-1) === 'stage' ? `rule: ${written}` : `{ rule: ${written} }`;
    report.add(tree, {
      code: 'wrong-type',
      message: `${field} names a file with code, ${written}, where a reward stage is meant.`,
      hint: `Write \`${rule}\` for a rule.`,
      path,
      fixes: path.at(-1) === 'stage' ? [] : [report.replace(tree.range, rule, `Change to \`${rule}\``)],
    });
    return;
  }
  if (looksLikePath(written)) return;
  if (types.has(written)) {
    checkKind(mention, place, types, report);
    return;
  }
  if (isFolder(written) || (spec.role === 'stage-or-labels' && written.endsWith('.jsonl'))) return;
  const others = [...types].filter(([name, type]) => name !== self && fits(spec, type)).map(([name]) => name);
  const near = nearest(written, others);
  const folder = `Write \`./${written}\` for a folder beside the config`;
  const list = others.length > 0 ? `; stages that fit are ${others.join(', ')}` : '';
  report.add(tree, {
    code: 'unknown-stage',
    message: `${field}: there is no ${types.size > 0 || self ? 'stage and no folder' : 'folder'} called \`${written}\`.`,
    hint: near ? `Did you mean \`${near}\`? ${folder}.` : `${folder}${list}.`,
    path,
    fixes: near
      ? [report.replace(tree.range, near, `Change to \`${near}\``)]
      : [report.replace(tree.range, `./${written}`, `Change to \`./${written}\``)],
  });
}

/** A stage whose type is unknown fits everywhere: it has an error of its own. */
function fits({ takes }: KeySpec, type: string | undefined): boolean {
  return !isStageType(type) || takes === undefined || takes.includes(type);
}

function checkKind({ spec, written }: Mention, { tree, path, self }: Place, types: Types, report: Report): void {
  const type = types.get(written);
  if (written === self || fits(spec, type)) return;
  const wanted = spec.takes ?? [];
  const right = [...types].filter(([name, other]) => name !== self && other !== undefined && wanted.includes(other));
  const [only] = right.length === 1 ? right : [];
  const need = wanted.length > 2 ? 'a stage whose result is a language model' : `a ${wanted.join(' or ')} stage`;
  const names = right.map(([name]) => `\`${name}\``).join(', ');
  report.add(tree, {
    code: 'wrong-stage',
    message: `\`${path.join('.')}\` takes ${need}, but \`${written}\` is of type ${type}.`,
    hint: names
      ? `Write ${names.replace(/, (?=[^,]*$)/, ' or ')}, or a path such as \`./${written}\` for a folder.`
      : `Add such a stage (\`type: ${wanted.length > 2 ? 'sft' : wanted[0]}\`) and name it here.`,
    path,
    fixes: only ? [report.replace(tree.range, only[0], `Change to \`${only[0]}\``)] : [],
  });
}

/** A stage's name where a file is meant. */
function checkFile({ spec, written, path: keys }: Mention, place: Place, types: Types, report: Report): void {
  if (spec.role !== 'data-file' || looksLikePath(written) || !types.has(written)) return;
  const pairs = types.get(written) === 'generate';
  const takesLabels = keys[0] === 'data' && ['reward', 'dpo'].includes(types.get(place.self ?? '') ?? '');
  const instead = pairs && takesLabels ? `labels: ${written}` : `model: ${written}`;
  report.add(place.tree, {
    code: 'conflict',
    message: `\`${place.path.join('.')}\` takes a file, but \`${written}\` is a stage, whose result is ${pairs ? 'pairs to label' : 'a model'}.`,
    hint:
      pairs && takesLabels
        ? `Write \`${instead}\` to learn from its labels.`
        : `Write \`${instead}\` to start from it, and a file such as data/${written}.jsonl as \`${keys[0]}\`.`,
    path: place.path,
  });
}
