import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import RELEASE_SYNC from '@jitl/quickjs-wasmfile-release-sync';
import {
  Scope,
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import { UserError } from '../../config/errors';
import type { Message } from '../../data/rows';

/** What a rule judges: `export function reward({ prompt, answer, row })`. */
export interface RuleInput {
  prompt: string | readonly Message[];
  answer: string;
  /** The row of the prompt as its file has it, with what is known of the answer; plain JSON. */
  row?: unknown;
}

export interface RuleLimits {
  /** Most time of one call, and of loading the file; default 1000. */
  milliseconds?: number;
  /** Most memory of the engine with all that the rule keeps; default 64, at least 16. */
  megabytes?: number;
}

interface Loaded {
  runtime: QuickJSRuntime;
  context: QuickJSContext;
  /** Takes the input as JSON and gives what the rule gives. */
  call: QuickJSHandle;
}
type Result = { value: QuickJSHandle; error?: undefined } | { error: QuickJSHandle };

/** What the engine begins with; it cannot do with less. */
const LEAST_MEGABYTES = 16;
const PAGES_A_MEGABYTE = 16;
const MOST_FILE_BYTES = 16 << 20;
const STACK_BYTES = 256 << 10;
const MOST_MESSAGE = 300;
/** Closes over the parser as it was before the rule ran: the rule may replace its own. */
const BORDER = '((parse) => (rule) => (text) => rule(parse(text)))(JSON.parse)';
const SHAPE = 'Write `export function reward({ prompt, answer, row })` that returns a number.';
const ALONE = 'A rule is one file: it has no modules, files, network or timers.';
const FOREIGN = /\b(module|require|process|fetch|console|setTimeout|Buffer|globalThis|window)\b/;

/**
 * A rule file, run in a JavaScript engine compiled to WebAssembly: no files, no network, no modules, no timers. A text
 * goes in and a number comes out, so no object of one side ever meets the other. One context serves many calls; after
 * a call that took too long the next one begins with a fresh one; after one that took too much memory the engine is
 * spent. The time limit is looked at between operations of the engine:
 * a single native one, such as sorting all that the memory holds, may run over it.
 */
export class Rule {
  private loaded: Loaded | undefined;
  private deadline = Infinity;
  private expired = false;

  private constructor(
    private engine: QuickJSWASMModule | undefined,
    readonly file: string,
    private readonly source: string,
    private readonly limits: Required<RuleLimits>,
  ) {}

  /** Reads a rule file. Throws a UserError where it cannot be read, fails at its top, or exports no function `reward`. */
  static async load(file: string, limits: RuleLimits = {}): Promise<Rule> {
    const source = readSource(file);
    const milliseconds = limits.milliseconds ?? 1000;
    const megabytes = Math.max(LEAST_MEGABYTES, limits.megabytes ?? 64);
    // The engine's own limit counts no more than single allocations here; a memory with a ceiling counts all.
    const wasmMemory = new WebAssembly.Memory({
      initial: LEAST_MEGABYTES * PAGES_A_MEGABYTE,
      maximum: megabytes * PAGES_A_MEGABYTE,
    });
    const engine = await newQuickJSWASMModuleFromVariant(newVariant(RELEASE_SYNC, { wasmMemory }));
    const rule = new Rule(engine, file, source, { milliseconds, megabytes });
    rule.begin(engine);
    return rule;
  }

  /** The rule's number for an answer. Throws a UserError with the rule's file where it fails or gives no finite number. */
  reward({ prompt, answer, row = null }: RuleInput): number {
    if (!this.engine) throw this.limit('reward', 'broke a limit before', 'Load the rule again.');
    const { context, call } = this.loaded ?? this.begin(this.engine);
    return this.within('reward', (scope) => {
      const text = scope.manage(context.newString(JSON.stringify({ prompt, answer, row })));
      const result = this.take(scope, context.callFunction(call, context.undefined, text), 'reward');
      const type = context.typeof(result);
      const value = type === 'number' ? context.getNumber(result) : NaN;
      if (Number.isFinite(value)) return value;
      const given = type === 'number' ? String(value) : type === 'undefined' ? 'nothing' : `a value of type ${type}`;
      throw this.error(`\`reward\` gave ${given}, not a finite number.`, 'Return a number on every path.');
    });
  }

  release(): void {
    this.drop();
    this.engine = undefined;
  }

  private drop(): void {
    const loaded = this.loaded;
    this.loaded = undefined;
    loaded?.call.dispose();
    loaded?.context.dispose();
    loaded?.runtime.dispose();
  }

  private begin(engine: QuickJSWASMModule): Loaded {
    const runtime = engine.newRuntime();
    runtime.setMemoryLimit(this.limits.megabytes << 20);
    runtime.setMaxStackSize(STACK_BYTES);
    runtime.setInterruptHandler(() => (this.expired ||= performance.now() > this.deadline));
    const context = runtime.newContext();
    const loaded = this.within('load', (scope): Loaded => {
      const border = this.take(scope, context.evalCode(BORDER, 'border.js'), 'load', context);
      const options = { type: 'module' as const, strict: true };
      const evaluated = context.evalCode(this.source, basename(this.file), options);
      const module = this.take(scope, evaluated, 'load', context);
      const exported = this.settle(scope, context, runtime, module);
      const reward = scope.manage(context.getProp(exported, 'reward'));
      if (context.typeof(reward) !== 'function') throw this.error('The file exports no function `reward`.', SHAPE);
      const bound = context.callFunction(border, context.undefined, reward);
      if (bound.error) throw this.thrown(context, scope.manage(bound.error), 'load');
      return { runtime, context, call: bound.value };
    });
    this.loaded = loaded;
    return loaded;
  }

  /** The exports of a module. One that awaits something at its top has them once its jobs are done. */
  private settle(scope: Scope, context: QuickJSContext, runtime: QuickJSRuntime, module: QuickJSHandle): QuickJSHandle {
    const before = context.getPromiseState(module);
    if (before.type === 'fulfilled' && before.notAPromise) return module;
    const jobs = runtime.executePendingJobs();
    if (jobs.error) throw this.thrown(context, scope.manage(jobs.error), 'load');
    const state = context.getPromiseState(module);
    if (state.type === 'fulfilled') return scope.manage(state.value);
    if (state.type === 'rejected') throw this.thrown(context, scope.manage(state.error), 'load');
    throw this.error('The file waits for something that never comes.', ALONE);
  }

  /** Runs `work` under the time limit. A call that ran out of time costs the rule its context, any other its engine. */
  private within<T>(what: 'load' | 'reward', work: (scope: Scope) => T): T {
    this.expired = false;
    this.deadline = performance.now() + this.limits.milliseconds;
    try {
      return Scope.withScope(work);
    } catch (error) {
      if (error instanceof UserError && error.code === 'rule') throw error;
      if (error instanceof UserError && this.expired) {
        this.drop();
        throw error;
      }
      // What lies in pieces is not taken apart: it goes with the engine's memory.
      this.loaded = undefined;
      this.engine = undefined;
      if (error instanceof UserError) throw error;
      const cause = error instanceof Error ? error.message : String(error);
      const hint = 'Too much memory and deep nesting are the usual causes.';
      throw this.limit(what, `broke the engine (${cause.slice(0, MOST_MESSAGE)})`, hint);
    } finally {
      this.deadline = Infinity;
    }
  }

  private take(scope: Scope, result: Result, what: 'load' | 'reward', context = this.loaded?.context): QuickJSHandle {
    if (result.error === undefined) return scope.manage(result.value);
    const error = scope.manage(result.error);
    if (!context) throw new Error('no context');
    throw this.thrown(context, error, what);
  }

  /** What the rule threw, as an error of the user. Nothing of it is trusted: only texts are read, and cut. */
  private thrown(context: QuickJSContext, error: QuickJSHandle, what: 'load' | 'reward'): UserError {
    if (this.expired) {
      const seconds = this.limits.milliseconds / 1000;
      return this.limit(what, `took longer than ${seconds} s`, 'Look for a loop without end.');
    }
    const text = (name: string): string => {
      const value = context.getProp(error, name);
      try {
        return context.typeof(value) === 'string' ? context.getString(value) : '';
      } finally {
        value.dispose();
      }
    };
    const type = context.typeof(error);
    const message = type === 'object' ? text('message') : type === 'string' ? context.getString(error) : '';
    const name = type === 'object' ? text('name') : '';
    if (name === 'InternalError' && /out of memory|too long/.test(message))
      return this.limit(what, `needs more than ${this.limits.megabytes} MB`, 'Keep less between calls.');
    if (name === 'InternalError' && message.includes('stack overflow'))
      return this.limit(what, 'calls itself too deeply', 'Use a loop, or end the recursion sooner.');
    const place = type === 'object' ? placeIn(text('stack'), basename(this.file)) : {};
    const said = `${name ? `${name}: ` : ''}${message || 'without a message'}`.slice(0, MOST_MESSAGE);
    const failed = what === 'load' ? 'The rule cannot be loaded' : '`reward` failed';
    return new UserError(`${failed}: ${said}.`, {
      file: this.file,
      ...place,
      hint: name === 'ReferenceError' && FOREIGN.test(message) ? ALONE : SHAPE,
      code: 'rule',
    });
  }

  private limit(what: 'load' | 'reward', broke: string, hint: string): UserError {
    return this.error(`${what === 'load' ? 'Loading the rule' : '`reward`'} ${broke}.`, hint, 'rule-limit');
  }

  private error(message: string, hint: string, code = 'rule'): UserError {
    return new UserError(message, { file: this.file, hint, code });
  }
}

/** Line and column of the innermost call in the rule's own file. */
function placeIn(stack: string, file: string): { line?: number; column?: number } {
  for (const part of stack.split('\n')) {
    const at = part.lastIndexOf(`${file}:`);
    const [line, column] = at < 0 ? [] : (part.slice(at + file.length + 1).match(/\d+/g) ?? []);
    if (line !== undefined) return { line: Number(line), ...(column === undefined ? {} : { column: Number(column) }) };
  }
  return {};
}

function readSource(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  const fail = (message: string, hint: string): UserError => new UserError(message, { file, hint, code: 'rule' });
  if (!stats) throw fail('There is no such rule file.', 'Paths are relative to the config file.');
  if (!stats.isFile()) throw fail('The rule is not a plain file.', 'Name a JavaScript file.');
  if (stats.size > MOST_FILE_BYTES)
    throw fail(
      `The rule file is ${(stats.size / 1e6).toFixed(0)} MB long; at most 16 MB are read.`,
      'Shorten its tables.',
    );
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    throw new UserError('The rule file is not UTF-8 text.', { file, hint: 'Save it as UTF-8.', code: 'rule', cause });
  }
}
