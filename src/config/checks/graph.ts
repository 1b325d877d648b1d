import type { Report } from '../report';
import { looksLikePath } from '../reference';
import { nearest } from '../suggest';
import { entryOf, valueOf, type Entry, type MapTree } from '../tree';

export interface ReferenceContext {
  readonly report: Report;
  /** Whether a bare name is a folder beside the config. */
  readonly isFolder: (name: string) => boolean;
}

/** Checks what `model:` names, in all stages, also in those with other errors. */
export function checkReferences(top: MapTree, stages: MapTree | undefined, context: ReferenceContext): void {
  const names = new Set(stages?.entries.map(({ key }) => key));
  const topModel = entryOf(top, 'model');
  if (topModel) checkTopModel(topModel, names, context);
  for (const stage of stages?.entries ?? []) {
    const path = ['stages', stage.key];
    const model = entryOf(stage.value, 'model');
    if (model) checkModel(model, [...path, 'model'], names, stage.key, context);
    const data = entryOf(stage.value, 'data');
    if (data) checkData(data, [...path, 'data'], names, context.report);
  }
  if (stages) checkCycles(stages, names, context.report);
}

function checkTopModel(entry: Entry, names: ReadonlySet<string>, context: ReferenceContext): void {
  const model = valueOf(entry.value);
  if (typeof model !== 'string') return;
  if (!looksLikePath(model) && names.has(model)) {
    context.report.add(entry.value, {
      code: 'conflict',
      message: `\`model\` at the top of the file names the stage \`${model}\`; it takes a folder.`,
      hint: `Write \`model: ${model}\` in the stages that start from it.`,
      path: ['model'],
    });
    return;
  }
  checkModel(entry, ['model'], new Set(), undefined, context);
}

function checkModel(
  entry: Entry,
  path: readonly string[],
  names: ReadonlySet<string>,
  self: string | undefined,
  { report, isFolder }: ReferenceContext,
): void {
  const model = valueOf(entry.value);
  if (typeof model !== 'string' || model === '') return;
  const field = `\`${path.join('.')}\``;
  if (/\.gguf$/i.test(model)) {
    const hint = 'Name a Hugging Face folder with config.json, tokenizer.json and model.safetensors.';
    report.add(entry.value, { code: 'not-yet', message: `${field}: .gguf files do not work yet.`, hint, path });
    return;
  }
  if (/^(https?|hf|s3|gs|git):/i.test(model)) {
    const hint = 'Download the model to a folder and write that folder, such as `./model`.';
    report.add(entry.value, { code: 'not-yet', message: `${field}: models are not downloaded yet.`, hint, path });
    return;
  }
  if (looksLikePath(model) || names.has(model) || isFolder(model)) return;
  const near = nearest(
    model,
    [...names].filter((name) => name !== self),
  );
  const folder = `Write \`./${model}\` for a folder beside the config`;
  const list = names.size > 0 ? `; stages are ${[...names].join(', ')}` : '';
  report.add(entry.value, {
    code: 'unknown-stage',
    message: `${field}: there is no ${names.size > 0 || self ? 'stage and no folder' : 'folder'} called \`${model}\`.`,
    hint: near ? `Did you mean \`${near}\`? ${folder}.` : `${folder}${list}.`,
    path,
    fixes: near
      ? [report.replace(entry.value.range, near, `Change to \`${near}\``)]
      : [report.replace(entry.value.range, `./${model}`, `Change to \`./${model}\``)],
  });
}

function checkData(entry: Entry, path: readonly string[], names: ReadonlySet<string>, report: Report): void {
  const trees = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  for (const tree of trees) {
    const data = valueOf(tree);
    if (typeof data !== 'string' || looksLikePath(data) || !names.has(data)) continue;
    report.add(tree, {
      code: 'conflict',
      message: `\`${path.join('.')}\` takes a file, but \`${data}\` is a stage, whose result is a model.`,
      hint: `Write \`model: ${data}\` to start from it, and a file such as data/${data}.jsonl as \`data\`.`,
      path,
    });
  }
}

/** Every cycle once, at the `model` key that closes it. Each stage has at most one upstream, so a walk finds all. */
function checkCycles(stages: MapTree, names: ReadonlySet<string>, report: Report): void {
  const next = new Map<string, Entry>();
  for (const stage of stages.entries) {
    const model = entryOf(stage.value, 'model');
    const target = model && valueOf(model.value);
    if (model && typeof target === 'string' && names.has(target)) next.set(stage.key, model);
  }
  const done = new Set<string>();
  for (const start of next.keys()) {
    const way: string[] = [];
    let at: string | undefined = start;
    while (at !== undefined && !done.has(at) && !way.includes(at)) {
      way.push(at);
      const model = next.get(at);
      at = model && String(valueOf(model.value));
    }
    if (at !== undefined && way.includes(at)) {
      const cycle = way.slice(way.indexOf(at));
      const last = cycle[cycle.length - 1];
      const model = next.get(last);
      const arrows = [...cycle, at].map((name) => `\`${name}\``).join(' → ');
      if (model) {
        report.add(model.value, {
          code: 'cycle',
          message:
            cycle.length === 1
              ? `\`stages.${last}.model\`: a stage cannot start from its own result.`
              : `\`stages.${last}.model\` closes a circle: ${arrows}, each starting from the next.`,
          hint: 'Let one of them start from a folder such as `./model`.',
          path: ['stages', last, 'model'],
        });
      }
    }
    for (const name of way) done.add(name);
  }
}
