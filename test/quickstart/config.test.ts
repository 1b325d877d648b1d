import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/load';
import { ChatTemplate } from '../../src/models/chat';
import { QUICKSTART } from './world';

it('align.yaml passes validation', () => {
  const { experiment, diagnostics } = loadExperiment(join(QUICKSTART, 'align.yaml'));
  expect(diagnostics.map(({ message }) => message)).toEqual([]);
  const loop = ['pretrain', 'sft', 'collect', 'reward', 'dpo', 'ppo', 'evaluate', 'reward-cleo', 'ppo-hacked'];
  expect([...(experiment?.stages.keys() ?? [])]).toEqual(loop);
});

it('the chat template puts the blank into the turn and marks what the assistant says', () => {
  const template = ChatTemplate.from(readFileSync(join(QUICKSTART, 'chat_template.jinja'), 'utf8'));
  const turns = [
    { role: 'system' as const, content: 'Be brief.' },
    { role: 'user' as const, content: 'Hi.' },
    { role: 'assistant' as const, content: 'Hello! How can I help you?' },
    { role: 'user' as const, content: ' What is 3 plus 4? ' },
  ];
  expect(template.marksGeneration).toBe(true);
  expect(template.render(turns, { addGenerationPrompt: true })).toBe(
    '<|system|> Be brief.<|user|> Hi.<|assistant|> Hello! How can I help you?<|end|>' +
      '<|user|> What is 3 plus 4?<|assistant|>',
  );
});
