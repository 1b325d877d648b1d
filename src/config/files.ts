import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { sortDiagnostics, START, type Diagnostic, type DiagnosticCode, type Fix, type Range } from './diagnostic';
import type { Experiment, Positions } from './experiment';
import { looksLikeHubId, mentionsIn, modelReference, namesStage } from './reference';
import { stageKeys } from './schema/experiment';
import type { KeySpec } from './schema/meta';
import { nearest } from './suggest';

type Found = Pick<Diagnostic, 'code' | 'message' | 'hint'> & { readonly instead?: string; readonly made?: boolean };

/** Checks that the files and folders of the stages, or of one stage, are there and are what the stage takes. */
export function checkFiles(experiment: Experiment, only?: string): Diagnostic[] {
  const { folder } = experiment;
  const diagnostics = new Map<string, Diagnostic>();
  const add = (path: readonly string[], written: string, found: Found | undefined) => {
    if (!found) return;
    const { keys, place } = writtenAt(experiment.positions, path);
    const field = keys.join('.');
    const { instead } = found;
    const single = place.end.offset - place.start.offset === written.length;
    const fixes: Fix[] =
      instead !== undefined && single
        ? [{ title: `Change to \`${instead}\``, edits: [{ range: place, newText: instead }] }]
        : [];
    const { code, message, hint } = found;
    const diagnostic: Diagnostic = {
      // what git ignores is made by something: it may come later, but not later than the run
      severity: found.made && only === undefined ? 'warning' : 'error',
      code,
      message: `\`${field}\`: ${message}`,
      hint,
      file: experiment.file,
      range: place,
      path: keys,
      fixes,
    };
    diagnostics.set(`${field} ${written}`, diagnostic);
  };

  for (const [name, config] of experiment.stages) {
    if (only !== undefined && only !== name) continue;
    for (const mention of mentionsIn(stageKeys(config.type), config)) {
      if (namesStage(mention, experiment.stages)) continue;
      const { spec, written } = mention;
      add(['stages', name, ...mention.path], written, problemAt(spec, path.resolve(folder, written), written, folder));
    }
    const start = modelReference(config, experiment.model);
    if (start === null || start !== experiment.model || ('model' in config && config.model !== null)) continue;
    add(['model'], start, folderProblem(path.resolve(folder, start), start, folder, 'config.json'));
  }
  return sortDiagnostics([...diagnostics.values()]);
}

/** What is wrong with what a key names. */
function problemAt({ role, name }: KeySpec, place: string, written: string, base: string): Found | undefined {
  if (role === 'stage-or-folder') return folderProblem(place, written, base, 'config.json');
  if (role === 'folder') return folderProblem(place, written, base, 'tokenizer.json');
  if (role !== 'stage-or-labels') return fileProblem(place, written, base, WORDS.get(name) ?? 'data');
  const stats = statSync(place, { throwIfNoEntry: false });
  if (!stats?.isDirectory())
    return stats ? fileProblem(place, written, base, 'labels') : missing(place, written, base, 'folder');
  if (existsSync(path.join(place, 'pairs.jsonl'))) return undefined;
  const hint = 'Name a folder that a generate stage made, such as ./labels/collect, or a file of labels.';
  return { code: 'wrong-file', message: `the folder ${written} has no pairs.jsonl.`, hint };
}

/** What belongs into the file of a key. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['held_out', 'held-out rows'],
  ['sample_prompts', 'prompts'],
  ['prompts', 'prompts'],
  ['chat_template', 'a template'],
  ['architecture', 'an architecture'],
  ['rule', 'a function `reward`'],
  ['guideline', 'a guideline'],
  ['phrases', 'phrases'],
]);

/** The value's keys as written, and its place: what stands alone may have become a list, a name a map. */
function writtenAt(positions: Positions, keys: readonly string[]): { keys: readonly string[]; place: Range } {
  for (let length = keys.length; length > 0; length--) {
    const found = positions.get(keys.slice(0, length).join('.'));
    if (found) return { keys: keys.slice(0, length), place: found.value };
  }
  return { keys, place: { start: START, end: START } };
}

function fileProblem(file: string, written: string, base: string, what: string): Found | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return missing(file, written, base, 'file');
  const wrong = (is: string, hint: string): Found => ({
    code: 'wrong-file',
    message: `${written} is ${is}, not a file.`,
    hint,
  });
  if (stats.isDirectory()) {
    const inside = readdirSync(file).filter((name) => /\.(jsonl|json|txt|jinja|js|md)$/.test(name))[0];
    return wrong(
      'a folder',
      inside ? `Name a file in it, such as ${path.posix.join(written, inside)}.` : 'Name a file.',
    );
  }
  if (!stats.isFile()) return wrong('a device or pipe', 'Copy what it gives to a file and name that.');
  if (stats.size === 0) {
    const hint = `Write ${what} into it, or name another file.`;
    return { code: 'empty-file', message: `${written} is empty.`, hint };
  }
  return undefined;
}

function folderProblem(folder: string, written: string, base: string, needed: string): Found | undefined {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats) {
    const hub = looksLikeHubId(written) && !existsSync(path.resolve(base, written.split('/')[0]));
    if (!hub) return missing(folder, written, base, 'folder');
    const hint = `Download it to a folder beside the config and write that folder, such as ./${written.split('/')[1]}.`;
    return { code: 'not-yet', message: `models of the hub, such as ${written}, are not downloaded yet.`, hint };
  }
  if (!stats.isDirectory()) {
    const hint = `Name the folder that holds ${needed}.`;
    return { code: 'wrong-file', message: `${written} is a file, not a folder.`, hint };
  }
  if (existsSync(path.join(folder, needed))) return undefined;
  const hint = `Name a Hugging Face folder: it holds config.json, tokenizer.json and, for a model, model.safetensors.`;
  return { code: 'wrong-file', message: `the folder ${written} has no ${needed}.`, hint };
}

/** Looks around the place where it should be for a name that is near. */
function missing(file: string, written: string, base: string, kind: 'file' | 'folder'): Found {
  const code: DiagnosticCode = 'missing-file';
  if (ignored(file, base)) {
    const hint =
      'Git ignores it, so it is to be made before this stage runs; the comments beside the stage may say how.';
    return { code, message: `${written} has not been made yet.`, hint, made: true };
  }
  if (written.startsWith('~')) {
    const hint = 'Write the whole path, or one relative to the config.';
    return { code, message: `there is no ${kind} ${written}: \`~\` is not read here.`, hint };
  }
  const parent = path.dirname(file);
  const where = path.relative(base, parent) || 'the folder of the config';
  if (!existsSync(parent)) {
    const hint = `There is no folder ${where} either; paths are relative to the folder of the config, ${base}.`;
    return { code, message: `there is no ${kind} ${written}.`, hint };
  }
  const near = nearest(path.basename(file), namesIn(parent));
  if (near === undefined) {
    const hint = `Paths are relative to the folder of the config, ${base}.`;
    return { code, message: `there is no ${kind} ${written}.`, hint };
  }
  const instead = written.slice(0, written.length - path.basename(written).length) + near;
  return { code, message: `there is no ${kind} ${written}.`, hint: `Did you mean ${instead}?`, instead };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).slice(0, 2000);
  } catch {
    return [];
  }
}

/** Whether the .gitignore beside the config, or beside the file, has a line with the file's very path. */
function ignored(file: string, base: string): boolean {
  return [base, path.dirname(file)].some((folder) => {
    const list = path.join(folder, '.gitignore');
    if (!existsSync(list)) return false;
    const wanted = path.relative(folder, file).split(path.sep).join('/');
    const lines = readFileSync(list, 'utf8').split(/\r?\n/);
    return lines.some((line) => line.trim().replace(/^\//, '') === wanted);
  });
}
