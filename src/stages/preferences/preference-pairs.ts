import { UserError } from '../../config/errors';
import type { ResolvedStage } from '../../config/experiment';
import type { Message, Row } from '../../data/rows';
import type { ChatTemplate } from '../../models/chat';
import { renderRow } from '../../models/render';
import type { Tokenizer } from '../../models/tokenizer';
import type { StageContext } from '../context';
import { pinnedPreferences, pinPreferences } from './pinned';
import { type Preference, type PreferenceConfig, type PreferenceReport, splitPreferences } from './preferences';

/** A preference as tokens, the answer that is more probably better as `chosen` (of a tie: the first). */
export interface PreferencePair {
  /** The tokens before both answers. */
  prompt: Int32Array;
  /** The answers with the token that ends them. */
  chosen: Int32Array;
  rejected: Int32Array;
  /** P(chosen is better), from ½ (a tie) to 1. */
  p: number;
  /** By how much the chosen answer's reward should lead. */
  margin: number;
  tags: readonly string[];
  file: string;
  line: number;
  /** What sample answers are written to. */
  question: string | Message[];
}

/** What became of preferences on their way to tokens. Plain JSON. */
export interface RenderReport {
  /** Left out: longer than max_length (or so long that nothing of an answer was left). */
  dropped: number;
  /** Cut at max_length. */
  cut: number;
  /** Left out: both answers are the same tokens. */
  equal: number;
  /** With an answer of no text. */
  empty: number;
  /** With an answer that does not end in a token that ends generation. */
  unterminated: number;
}

export interface RenderedPairs {
  pairs: PreferencePair[];
  report: RenderReport;
}

export interface PairSettings {
  maxLength: number;
  overlength: 'truncate' | 'drop' | 'error';
}

/**
 * Renders preferences: strings as they are with the end token behind an answer, conversations by the chat template, up
 * to the end of the answer's turn. Throws a UserError at a preference's line where it cannot be rendered.
 */
export function renderPreferences(
  preferences: readonly Preference[],
  tokenizer: Tokenizer,
  template: ChatTemplate | null,
  { maxLength, overlength }: PairSettings,
): RenderedPairs {
  const report: RenderReport = { dropped: 0, cut: 0, equal: 0, empty: 0, unterminated: 0 };
  const pairs = preferences.flatMap((preference, index): PreferencePair[] => {
    const { prompt: question, a, b, p, margin, tags, file, line } = preference;
    const [better, worse] = p > 0.5 ? [b, a] : [a, b];
    const [chosen, rejected] = [better, worse].map((answer) =>
      renderAnswer({ question, answer, file, line, index }, tokenizer, template),
    );
    const longest = Math.max(chosen.ids.length, rejected.ids.length);
    if (longest > maxLength) {
      if (overlength === 'error')
        throw new UserError(
          `The pair has an answer of ${longest} tokens with its prompt; max_length is ${maxLength}.`,
          {
            file,
            line,
            code: 'overlength',
            hint: 'Raise max_length, shorten the row, or set overlength: truncate or drop.',
          },
        );
      // where nothing of an answer is left, there is nothing to compare
      if (overlength === 'drop' || Math.max(chosen.from, rejected.from) >= maxLength) {
        report.dropped++;
        return [];
      }
      report.cut++;
    }
    const from = sharedStart(chosen, rejected);
    const answers = [chosen, rejected].map(({ ids }) => ids.slice(from, maxLength));
    if (Buffer.compare(bytesOf(answers[0]), bytesOf(answers[1])) === 0) {
      report.equal++;
      return [];
    }
    if (a.trim() === '' || b.trim() === '') report.empty++;
    if (!chosen.ended || !rejected.ended) report.unterminated++;
    return [
      {
        prompt: chosen.ids.slice(0, from),
        chosen: answers[0],
        rejected: answers[1],
        p: Math.max(p, 1 - p),
        margin,
        tags,
        file,
        line,
        question,
      },
    ];
  });
  return { pairs, report };
}

/** An answer to be rendered and where it stands. */
export interface AnswerToRender {
  question: string | Message[];
  answer: string;
  file: string;
  line: number;
  index: number;
}

export interface RenderedAnswer {
  /** Prompt and answer, the token that ends it included. */
  ids: Int32Array;
  /** Where the answer begins. */
  from: number;
  /** Whether the last token is one that ends generation. */
  ended: boolean;
}

/** The tokens of a prompt with an answer, up to the end of the answer's turn: what a policy would have sampled. */
export function renderAnswer(
  { question, answer, ...place }: AnswerToRender,
  tokenizer: Tokenizer,
  template: ChatTemplate | null,
): RenderedAnswer {
  const row: Row =
    typeof question === 'string'
      ? { kind: 'completion', prompt: question, completion: answer, ...place }
      : { kind: 'completion', prompt: question, completion: [{ role: 'assistant', content: answer }], ...place };
  const example = renderRow(row, tokenizer, template);
  const from = example?.mask.indexOf(1) ?? -1;
  if (!example || from < 0)
    throw new UserError('The chat template leaves nothing of the answer.', {
      file: place.file,
      line: place.line,
      hint: 'Look at the template, or give the prompt as a string.',
      code: 'chat-template',
    });
  return { ids: example.ids.slice(0, example.mask.lastIndexOf(1) + 1), from, ended: example.terminated };
}

/** The place up to which both are prompt: where a token reaches over the border, the answers begin a token earlier. */
function sharedStart(one: RenderedAnswer, other: RenderedAnswer): number {
  const most = Math.min(one.from, other.from);
  let same = 0;
  while (same < most && one.ids[same] === other.ids[same]) same++;
  return same;
}

const bytesOf = (ids: Int32Array): Uint8Array => new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);

export interface PreparedPairs {
  train: PreferencePair[];
  heldOut: PreferencePair[];
}

/**
 * The pairs of a stage as tokens, split by prompt: those that the run began with. What was left out is told before the
 * first step.
 */
export function preparePairs(
  stage: ResolvedStage,
  config: PreferenceConfig,
  context: StageContext,
  settings: PairSettings & { tokenizer: Tokenizer; template: ChatTemplate | null },
): PreparedPairs {
  const { tokenizer, template } = settings;
  const found = pinnedPreferences(context.runFolder) ?? splitPreferences(stage, config);
  const { train, heldOut, report } = found;
  const [ours, theirs] = [train, heldOut].map((rows) => renderPreferences(rows, tokenizer, template, settings));
  if (!context.resuming) {
    const sentences = describePairs(ours, theirs, report);
    for (const sentence of sentences) context.say(sentence);
    context.note('data_doctor', {
      message: sentences.join(' '),
      report: { preferences: report, train: ours.report, held_out: theirs.report },
    });
  }
  if (ours.pairs.length === 0)
    throw new UserError(
      ours.report.dropped > 0
        ? `All ${ours.report.dropped} pairs are longer than max_length, ${settings.maxLength}: there is nothing to train on.`
        : 'There is no pair to train on.',
      { hint: ours.report.dropped > 0 ? 'Raise max_length.' : 'Label more pairs.', code: 'no-preferences' },
    );
  pinPreferences(context.runFolder, found);
  return { train: ours.pairs, heldOut: theirs.pairs };
}

/** What was read, in sentences. */
export function describePairs(train: RenderedPairs, heldOut: RenderedPairs, report: PreferenceReport): string[] {
  const sum = (key: keyof RenderReport): number => train.report[key] + heldOut.report[key];
  const prompts = new Set(train.pairs.map(({ question }) => JSON.stringify(question))).size;
  const lines = [
    `${train.pairs.length} pairs of ${prompts} prompts to train on, ${heldOut.pairs.length} pairs of other prompts held out.`,
  ];
  const say = (count: number, one: string, many: string): void => {
    if (count > 0) lines.push(count === 1 ? `1 ${one}.` : `${count} ${many}.`);
  };
  const kept = report.ties - report.tiesDropped;
  say(kept, 'pair is a tie and counts as equally good', 'pairs are ties and count as equally good');
  say(report.tiesDropped, 'tie was left out', 'ties were left out');
  say(report.edits, 'pair is an answer and its better wording', 'pairs are an answer and its better wording');
  say(report.bothBad, 'label says "both bad" and no preference', 'labels say "both bad" and no preference');
  say(report.skipped, 'label is a skip', 'labels are skips');
  say(report.unlabeled, 'pair has no label yet', 'pairs have no label yet');
  say(report.undecided, 'pair has labels without a preference', 'pairs have labels without a preference');
  say(report.unknown, 'label is of a pair that is not there', 'labels are of pairs that are not there');
  say(sum('dropped'), 'pair was too long and left out', 'pairs were too long and left out');
  say(sum('cut'), 'pair was cut at max_length', 'pairs were cut at max_length');
  say(
    sum('equal'),
    'pair has the same answer twice and was left out',
    'pairs have the same answer twice and were left out',
  );
  say(sum('empty'), 'pair has an empty answer', 'pairs have an empty answer');
  say(
    sum('unterminated'),
    'pair has an answer that does not end in a token that ends generation',
    'pairs have answers that do not end in a token that ends generation',
  );
  if (report.faults > 0) {
    const places = report.faultPlaces.map(({ file, line, message }) => `${file}:${line}: ${message}`);
    lines.push(`${report.faults} lines could not be used: ${places.join('; ')}${report.faults > SHOWN ? ' …' : ''}.`);
  }
  return lines;
}

const SHOWN = 5;
