import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/config/errors';
import { Rule, type RuleLimits } from '../../src/stages/rewards/rule';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'align-rule-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function load(source: string, limits?: RuleLimits): Promise<Rule> {
  const file = join(folder, `rule-${count++}.js`);
  writeFileSync(file, source);
  return await Rule.load(file, limits);
}

async function score(source: string, input: Partial<Parameters<Rule['reward']>[0]> = {}): Promise<number> {
  const rule = await load(source);
  try {
    return rule.reward({ prompt: 'p', answer: 'a', ...input });
  } finally {
    rule.release();
  }
}

/** The error of loading or of one call. */
async function failure(source: string, limits?: RuleLimits): Promise<UserError> {
  const rule = await load(source, limits).catch((error: unknown) => error);
  if (rule instanceof Rule) {
    try {
      rule.reward({ prompt: 'p', answer: 'a' });
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error('the rule did not fail');
  }
  if (rule instanceof UserError) return rule;
  throw rule;
}

describe('a rule', () => {
  it('gets prompt, answer and row, and gives a number', async () => {
    const rule = `export function reward({ prompt, answer, row }) {
      return prompt.length * 100 + answer.length * 10 + row.weights[1];
    }`;
    expect(await score(rule, { prompt: 'ab', answer: 'xyz', row: { weights: [1, 0.5] } })).toBe(230.5);
  });

  it('gets messages as they are', async () => {
    const rule = 'export const reward = ({ prompt }) => prompt.filter((m) => m.role === "user")[0].content.length;';
    const prompt = [
      { role: 'system' as const, content: 'be brief' },
      { role: 'user' as const, content: 'héllo 👋' },
    ];
    expect(await score(rule, { prompt })).toBe('héllo 👋'.length);
  });

  it('keeps one context for many calls without growing', async () => {
    const rule = await load('let calls = 0; export function reward({ row }) { calls++; return calls + row.n; }', {
      megabytes: 2,
    });
    for (let i = 0; i < 3000; i++) {
      const row = { n: 0, filler: 'x'.repeat(5000) };
      expect(rule.reward({ prompt: 'p', answer: 'a', row })).toBe(i + 1);
    }
    rule.release();
  });

  it('may await at its top what it has itself', async () => {
    expect(await score('const one = await Promise.resolve(1); export const reward = () => one;')).toBe(1);
  });
});

describe('limits', () => {
  it.each([
    ['a loop without end', 'export function reward() { for (;;); }'],
    ['a loop without end at the top', 'for (;;); export function reward() { return 1; }'],
    ['a pattern that backtracks for ever', 'export const reward = () => /(a+)+$/.test("a".repeat(50) + "!") ? 1 : 0;'],
    ['a loop that swallows errors', 'export function reward() { for (;;) try { null.x; } catch {} }'],
  ])('end %s', async (_, source) => {
    const error = await failure(source, { milliseconds: 100 });
    expect(error.message).toMatch(/took longer than 0.1 s/);
    expect(error.file).toMatch(/rule-\d+\.js$/);
  });

  it.each([
    [
      'what is kept',
      "const kept = []; export function reward() { for (;;) kept.push('x'.repeat(1e5) + kept.length); }",
    ],
    ['text', 'export function reward() { let text = "x"; for (;;) text += text; }'],
    ['a buffer', 'export function reward() { return new Uint8Array(1e9).length; }'],
  ])('hold memory: %s', async (_, source) => {
    const error = await failure(source, { megabytes: 16, milliseconds: 20_000 });
    expect(error.message).toMatch(/needs more than 16 MB|broke the engine/);
    expect(error.file).toMatch(/rule-\d+\.js$/);
  });

  it('hold recursion and nesting', async () => {
    expect((await failure('export function reward() { return reward() + 1; }')).message).toMatch(/too deeply/);
    const nested = `export function reward() {
      let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return JSON.stringify(o).length; }`;
    expect(await failure(nested, { milliseconds: 20_000 })).toBeInstanceOf(UserError);
  });

  it('refuse an engine that ran out of memory', async () => {
    const rule = await load(
      'const kept = []; export function reward() { for (;;) kept.push("x".repeat(1e5) + kept.length); }',
      {
        megabytes: 16,
        milliseconds: 20_000,
      },
    );
    expect(() => rule.reward({ prompt: 'p', answer: 'a' })).toThrow(UserError);
    expect(() => rule.reward({ prompt: 'p', answer: 'a' })).toThrow(/broke a limit before/);
    rule.release();
  });

  it('leave the rule usable for the call after one without end', async () => {
    const rule = await load('export function reward({ answer }) { if (answer === "long") for (;;); return 7; }', {
      milliseconds: 100,
    });
    for (let i = 0; i < 3; i++) {
      expect(() => rule.reward({ prompt: 'p', answer: 'long' })).toThrow(/took longer/);
      expect(rule.reward({ prompt: 'p', answer: 'short' })).toBe(7);
    }
    rule.release();
  });
});

describe('the border', () => {
  it('has no Node and no network behind it', async () => {
    const names =
      '["process","require","fetch","console","setTimeout","Buffer","WebAssembly","XMLHttpRequest","std","os"]';
    expect(await score(`export const reward = () => ${names}.filter((n) => n in globalThis).length;`)).toBe(0);
    const way = 'reward.constructor("return this")()';
    expect(await score(`export function reward() { return ${way} === globalThis && !${way}.process ? 1 : 0; }`)).toBe(
      1,
    );
  });

  it.each(['fs', './other.js', 'https://example.org/x.js'])('lets no module %s in', async (name) => {
    const error = await failure(`import x from ${JSON.stringify(name)}; export const reward = () => 1;`);
    expect(error.message).toMatch(/could not load module/);
    expect(error.hint).toMatch(/no modules, files, network/);
    const later = await failure(`const x = await import(${JSON.stringify(name)}); export const reward = () => 1;`);
    expect(later.message).toMatch(/cannot be loaded/);
  });

  it('keeps prototypes of both sides apart', async () => {
    const rule = await load(`
      Object.prototype.polluted = 'yes'; Array.prototype.map = () => 'mine'; JSON.parse = () => ({ answer: 'forged' });
      Object.defineProperty(Object.prototype, 'toString', { get() { throw new Error('trap'); } });
      export function reward({ prompt, answer, row }) {
        row.__proto__.polluted = 'again';
        return answer === 'true' && row.x === 1 ? 1 : 0;
      }`);
    const row: unknown = JSON.parse('{"x": 1, "__proto__": {"polluted": "row"}}');
    expect(rule.reward({ prompt: [{ role: 'user', content: 'q' }], answer: 'true', row })).toBe(1);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect([1].map((x) => x + 1)).toEqual([2]);
    expect(Object.prototype.toString.call({})).toBe('[object Object]');
    rule.release();
  });

  it('reads only texts of what is thrown', async () => {
    const hostile = `export function reward() {
      throw { get message() { return { length: 1e9 }; }, get name() { return 'x'.repeat(1e6); }, stack: 3 }; }`;
    const error = await failure(hostile);
    expect(error.message.length).toBeLessThan(500);
    expect((await failure('export function reward() { throw { get message() { for (;;); } }; }')).message).toMatch(/./);
  });
});

describe('errors', () => {
  it('name the line of the rule', async () => {
    const error = await failure('export function reward() {\n  return inner();\n}\nfunction inner() {\n  null.x;\n}\n');
    expect(error.message).toMatch(/`reward` failed: TypeError/);
    expect(error.line).toBe(5);
    const syntax = await failure('export function reward() {\n  return 1 +;\n}\n');
    expect(syntax.message).toMatch(/cannot be loaded: SyntaxError/);
    expect(syntax.line).toBe(2);
  });

  it.each([
    ['nothing', '', /gave nothing/],
    ['NaN', 'return NaN;', /gave NaN/],
    ['infinity', 'return 1 / 0;', /gave Infinity/],
    ['a text', 'return "1";', /type string/],
    ['a promise', 'return Promise.resolve(1);', /type object/],
    ['a big integer', 'return 1n;', /type bigint/],
  ])('are told for %s', async (_, body, words) => {
    const error = await failure(`export function reward() { ${body} }`);
    expect(error.message).toMatch(words);
    expect(error.hint).toMatch(/Return a number/);
  });

  it('are told for files that are no rules', async () => {
    expect((await failure('export const points = 1;')).message).toMatch(/exports no function `reward`/);
    await expect(Rule.load(join(folder, 'missing.js'))).rejects.toThrow(/no such rule file/);
    await expect(Rule.load(folder)).rejects.toThrow(/not a plain file/);
    writeFileSync(join(folder, 'binary.js'), Uint8Array.of(0xff, 0xfe, 0x00));
    await expect(Rule.load(join(folder, 'binary.js'))).rejects.toThrow(/not UTF-8/);
  });
});
