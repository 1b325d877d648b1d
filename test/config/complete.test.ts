import { describe, expect, test } from 'vitest';
import { complete, type Completion, type FolderEntry } from '../../src/config/complete';
import { formatDiagnostic } from '../../src/config/diagnostic';
import { hover } from '../../src/config/hover';
import { parseExperiment } from '../../src/config/parse';
import { STAGE_TYPES } from '../../src/config/schema/experiment';
import { cursor } from './edits';

const FILES: Record<string, FolderEntry[]> = {
  '.': [
    { name: 'data', isFolder: true },
    { name: 'model', isFolder: true },
    { name: '.align', isFolder: true },
    { name: 'align.yaml', isFolder: false },
    { name: 'chat.jinja', isFolder: false },
  ],
  data: [
    { name: 'demos.jsonl', isFolder: false },
    { name: 'notes.pdf', isFolder: false },
    { name: 'more', isFolder: true },
  ],
};

function at(marked: string): Completion[] {
  const { text, offset } = cursor(marked);
  return complete(text, offset, (folder) => FILES[folder] ?? []);
}
const labels = (marked: string) => at(marked).map(({ label }) => label);

/** The text once the completion of that label is taken. */
function taken(marked: string, label: string): string {
  const { text } = cursor(marked);
  const item = at(marked).find((completion) => completion.label === label);
  if (!item) throw new Error(`no ${label} among ${labels(marked).join()}`);
  return text.slice(0, item.range.start.offset) + item.insertText + text.slice(item.range.end.offset);
}

const STAGES = 'model: ./model\nstages:\n  base:\n    type: pretrain\n    data: a\n  sft:\n    type: sft\n';

describe('keys', () => {
  test('at the top: those that are not there yet', () => {
    expect(labels('model: ./model\n|')).toEqual(['stages', 'device', 'threads', 'seed']);
  });

  test('in a stage: by its type, the required ones first', () => {
    const found = labels(`${STAGES}    |`);
    expect(found[0]).toBe('data');
    expect(found).toContain('loss_on');
    expect(found).not.toContain('type');
    expect(found).not.toContain('tokenizer');
    expect(labels(STAGES.replace('    data: a\n', '    |\n'))).toContain('tokenizer');
  });

  test('in a stage without a type: type first, then the keys of all types', () => {
    const found = labels('stages:\n  sft:\n    |');
    expect(found[0]).toBe('type');
    expect(found).toEqual(expect.arrayContaining(['loss_on', 'tokenizer', 'learning_rate']));
  });

  test('carry docs and default, and a snippet', () => {
    const item = at(`${STAGES}    learn|`).find(({ label }) => label === 'learning_rate');
    expect(item).toMatchObject({
      snippet: true,
      insertText: 'learning_rate: ${1:2.0e-5}',
      detail: 'default: 2.0e-5 (TRL)',
    });
    expect(item?.documentation).toContain('AdamW');
    expect(taken(`${STAGES}    sched|`, 'schedule')).toContain('schedule: ${1|constant,linear,cosine|}');
  });

  test('replace the word, and leave a colon that is there', () => {
    expect(taken(`${STAGES}    ep|cohs: 3\n`, 'epochs')).toContain('    epochs: 3\n');
  });

  test('inside braces', () => {
    expect(labels('stages:\n  p:\n    type: pretrain\n    tokenizer: { train: bpe, |')).toEqual([
      'vocab_size',
      'special_tokens',
    ]);
    expect(labels('stages:\n  p:\n    type: pretrain\n    tokenizer:\n      |')).toEqual([
      'train',
      'vocab_size',
      'special_tokens',
    ]);
  });

  test('a new stage with a name that is free', () => {
    const [pretrain, sft] = at(`${STAGES}  |`);
    expect([pretrain.label, sft.label]).toEqual(['pretrain', 'sft_2']);
    expect(sft.insertText).toContain('type: sft');
  });

  test('none in comments, block texts and unknown maps', () => {
    expect(labels('# mo|')).toEqual([]);
    expect(labels(`${STAGES}    data: a # ep|`)).toEqual([]);
    expect(
      labels(
        `${STAGES}    chat_template: |
      {{ x`
          .replace('{{ x', '{{ |')
          .replace('template: |\n', 'template: >\n'),
      ),
    ).toEqual([]);
    expect(labels('other:\n  |')).toEqual([]);
  });
});

describe('values', () => {
  test('types, words, booleans', () => {
    expect(labels('stages:\n  a:\n    type: |')).toEqual(STAGE_TYPES);
    expect(labels(`${STAGES}    schedule: c|`)).toEqual(['constant', 'linear', 'cosine']);
    expect(labels(`${STAGES}    packing: |`)).toEqual(['true', 'false']);
    expect(labels('device: |\nstages:\n')).toEqual(['cpu', 'webgpu']);
    expect(labels(`${STAGES}    epochs: |`)).toEqual(['3']);
    expect(taken(`${STAGES}    schedule: co|sine # why`, 'linear')).toContain('schedule: linear # why');
  });

  test('stages as references, but none that would close a circle', () => {
    expect(labels(`${STAGES}    model: |`)).toEqual(['base', './data/', './model/']);
    const chain =
      'stages:\n  a:\n    type: sft\n    model: |\n  b:\n    type: sft\n    model: a\n  c:\n    type: sft\n    model: b\n  d:\n    type: sft\n';
    expect(labels(chain).filter((label) => !label.startsWith('.'))).toEqual(['d']);
  });

  test('files of the folder typed so far, of the kinds that fit', () => {
    expect(labels(`${STAGES}    data: |`)).toEqual(['data/', 'model/']);
    expect(labels(`${STAGES}    data: data/|`)).toEqual(['demos.jsonl', 'more/']);
    expect(taken(`${STAGES}    data: data/de|`, 'demos.jsonl')).toContain('data: data/demos.jsonl');
    expect(labels(`${STAGES}    data:\n      - data/|`)).toEqual(['demos.jsonl', 'more/']);
    expect(labels(`${STAGES}    data: [a.jsonl, data/|`)).toEqual(['demos.jsonl', 'more/']);
    expect(labels(`${STAGES}    held_out: |`)).toEqual(['false', '0.05', 'data/', 'model/']);
    expect(labels(`${STAGES}    chat_template: |`)).toContain('chat.jinja');
  });

  test('work in a file that is broken elsewhere', () => {
    expect(labels(`model: "x\n${STAGES.slice(15)}    schedule: |\n   bad: [1\n`)).toEqual([
      'constant',
      'linear',
      'cosine',
    ]);
  });
});

describe('stages as inputs', () => {
  const LOOP =
    'stages:\n  sft:\n    type: sft\n    data: d\n  collect:\n    type: generate\n    model: sft\n    prompts: p\n' +
    '  rm:\n    type: reward\n    model: sft\n    labels: collect\n  ppo:\n    type: ppo\n    model: sft\n    reward: rm\n';
  const stages = (line: string, type: string) =>
    labels(`${LOOP}  new:\n    type: ${type}\n${line}`).filter((label) => !/[./]/.test(label));

  test('are those of a type that fits', () => {
    expect(stages('    model: |', 'dpo')).toEqual(['sft', 'ppo']);
    expect(stages('    labels: |', 'dpo')).toEqual(['collect']);
    expect(stages('    reference: |', 'grpo')).toEqual(['sft', 'ppo']);
    expect(stages('    reward: |', 'grpo')).toEqual(['rm']);
    expect(stages('    reward: { stage: |', 'grpo')).toEqual(['rm']);
    expect(stages('    models: [sft, |', 'evaluate')).toEqual(['sft', 'ppo']);
    expect(stages('    models:\n      - |', 'evaluate')).toEqual(['sft', 'ppo']);
    expect(stages('    judge: |', 'evaluate')).toContain('rm');
    expect(stages('    monitors:\n      proxy_gap: { judge: |', 'ppo')).toEqual(['rm']);
  });

  test('are none that would close a circle, through whatever key', () => {
    const edited = LOOP.replace('    model: sft\n    prompts: p\n', '    model: |\n    prompts: p\n');
    expect(labels(edited).filter((label) => !label.startsWith('.'))).toEqual(['sft']);
  });

  test('keys of the new types, with theirs inside', () => {
    expect(labels(`${LOOP}    kl_|`)).toEqual(expect.arrayContaining(['kl_penalty', 'value_model', 'monitors']));
    expect(labels(`${LOOP}    monitors:\n      |`)).toEqual(expect.arrayContaining(['kl', 'echo', 'proxy_gap']));
    expect(taken(`${LOOP}    value_mo|`, 'value_model')).toContain('value_model: ${1|shared,separate|}');
    expect(labels('stages:\n  a:\n    type: ppo\n    reward: { rule: |')).toContain('data/');
  });

  test('hover tells what they give', () => {
    const shown = (marked: string) => {
      const { text, offset } = cursor(marked);
      return hover(text, offset)?.markdown;
    };
    expect(shown(LOOP.replace('labels: coll', 'labels: co|ll'))).toContain('pairs of its latest finished run');
    expect(shown(LOOP.replace('reward: rm', 'reward: r|m'))).toContain('The result of the stage `rm` (reward)');
    expect(shown(`${LOOP}    kl_pen|alty: 0.1\n`)).toMatch(/price β of a nat.*`0.1`.*`kl_coef`/s);
    expect(shown(`${LOOP}    num_ppo_ep|ochs: 4\n`)).toContain('is called **`ppo_epochs`** here');
    expect(shown(`${LOOP}    monitors:\n      ec|ho: 0.1\n`)).toContain('runs of four words');
  });
});

test('every new stage that completion writes is a stage without errors', () => {
  for (const item of at('stages:\n  |')) {
    const body = item.insertText.replace(/\$\{\d:([^}]*)\}/g, '$1');
    const first =
      'model: ./model\nstages:\n  sft: { type: sft, data: d }\n  ppo: { type: ppo, prompts: p, reward: ./r }\n';
    const others = '  collect: { type: generate, prompts: p }\n  reward: { type: reward, labels: collect }\n  ';
    const text = `${first}${others}${body.replace(/^\w+:/, 'fresh:')}`;
    expect(parseExperiment(text, 'align.yaml').diagnostics.map(formatDiagnostic)).toEqual([]);
  }
});

describe('hover', () => {
  const shown = (marked: string) => {
    const { text, offset } = cursor(marked);
    return hover(text, offset)?.markdown;
  };

  test('on a key: doc, range, default and its source, other names', () => {
    const markdown = shown(`${STAGES}    learn|ing_rate: 1e-4\n`);
    expect(markdown).toContain('Peak step size');
    expect(markdown).toContain('a number above 0 and at most 1');
    expect(markdown).toContain('`2.0e-5` (TRL)');
    expect(markdown).toContain('`lr`');
    expect(shown('stages:\n  p:\n    type: pretrain\n    learn|ing_rate: 1\n')).toContain('1.0e-3');
  });

  test('on what stands for something else', () => {
    expect(shown(`${STAGES}    num_train|_epochs: 1\n`)).toContain('is called **`epochs`** here');
    expect(shown(`${STAGES}    bf1|6: true\n`)).toContain('float32');
    expect(shown('stages:\n  a:\n    type: k|to\n')).toContain('do not run yet');
  });

  test('on stages, types and references', () => {
    expect(shown('stages:\n  s|ft:\n    type: sft\n    model: base\n')).toMatch(/Stage `sft`.*starts from `base`/s);
    expect(shown('stages:\n  sft:\n    type: s|ft\n')).toContain('Supervised fine-tuning');
    expect(shown(`${STAGES}    model: ba|se\n`)).toContain('The result of the stage `base` (pretrain)');
  });

  test('nothing on comments, blanks and unknown words', () => {
    expect(shown('# mod|el: x\n')).toBeUndefined();
    expect(shown('|\nmodel: x\n')).toBeUndefined();
    expect(shown(`${STAGES}    zz|qx: 1\n`)).toBeUndefined();
  });
});
