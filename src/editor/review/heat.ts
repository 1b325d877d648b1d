import * as vscode from 'vscode';
import { REVIEW_SELECTOR, type OpenReview, type ReviewDocuments } from './documents';
import { tokenMarkdown } from './heat-hover';
import { kindKey, kindWords, stepOf, valueOf, type HeatKind } from './heat-scale';
import { answerAt } from './text';
import { placedSpans, spanAt, type Place, type PlacedSpan } from './token-spans';

/** Lines beyond those in view that are coloured too, so that scrolling meets no bare text. */
const AHEAD = 150;
const STEPS = [1, 2, 3, 4, 5];

/** A colour of package.json, which a theme or a user may change. */
type Scale = 'kl' | 'reward';
const colorOf = (scale: Scale, step: number) => new vscode.ThemeColor(`alignmentLab.heat.${scale}${step}`);
const typesOf = (scale: Scale) =>
  STEPS.map((step) =>
    vscode.window.createTextEditorDecorationType({ backgroundColor: colorOf(scale, step), borderRadius: '2px' }),
  );
const scaleOf = ({ of }: HeatKind): Scale => (of === 'kl' ? 'kl' : 'reward');

/** Colours behind the tokens of answers on demand, with a legend as the first line, and their figures on hover. */
export function registerHeat(reviews: ReviewDocuments): vscode.Disposable {
  const painter = new HeatPainter(reviews);
  return vscode.Disposable.from(
    painter,
    vscode.commands.registerCommand('alignment-lab.showHeat', async (wish: unknown) => {
      const review = heatedReview(reviews);
      if (!review) return;
      const chosen = typeof wish === 'string' ? named(review, wish) : await pickHeat(review);
      if (chosen) show(reviews, chosen.kind);
    }),
    vscode.commands.registerCommand('alignment-lab.nextHeat', () => {
      const review = heatedReview(reviews);
      if (!review) return;
      const choices = choicesOf(review);
      show(reviews, choices[(choices.findIndex(({ shown }) => shown) + 1) % choices.length]?.kind);
    }),
    vscode.languages.registerHoverProvider(REVIEW_SELECTOR, {
      provideHover: ({ uri }, position) => {
        const review = reviews.get(uri);
        const answer = review?.heat && answerAt(review.built, position.line);
        const span = answer && spanAt(answer, position);
        if (!answer?.tokens || !span) return undefined;
        const { temperature } = answer.tokens;
        // Neither HTML nor commands: what a model wrote is in it.
        const figures = new vscode.MarkdownString(tokenMarkdown({ span, text: answer.text, temperature }));
        return new vscode.Hover(figures, rangeOf(span));
      },
    }),
  );
}

function show(reviews: ReviewDocuments, kind: HeatKind | undefined): void {
  reviews.showHeat(kind);
  // The legend may be out of sight.
  vscode.window.setStatusBarMessage(`$(flame) Heat: ${kind ? kindWords(kind) : 'off'}`, 4000);
}

/** What can be shown, off first; `shown` is what is. */
interface Choice {
  readonly kind: HeatKind | undefined;
  readonly shown: boolean;
}

function choicesOf({ heats, heat }: OpenReview): Choice[] {
  const now = heat && kindKey(heat.kind);
  return [
    { kind: undefined, shown: now === undefined },
    ...heats.map((kind) => ({ kind, shown: kindKey(kind) === now })),
  ];
}

function named(review: OpenReview, wish: string): Choice | undefined {
  return choicesOf(review).find(({ kind }) => (kind ? kindKey(kind) : 'off') === wish);
}

const DETAILS: Readonly<Record<HeatKind['of'], string>> = {
  kl: 'Where the policy has moved from the reference: log π − log π_ref',
  reward: 'What the reward model says of the answer up to each token; it learnt from whole answers only',
  gain: 'By how much each token raises or lowers what the reward model says',
};

async function pickHeat(review: OpenReview): Promise<Choice | undefined> {
  const items = choicesOf(review).map((choice) => {
    const words = choice.kind ? kindWords(choice.kind) : 'off';
    return {
      label: `${words[0]?.toUpperCase()}${words.slice(1)}`,
      description: choice.shown ? 'shown now' : undefined,
      detail: choice.kind && DETAILS[choice.kind.of],
      choice,
    };
  });
  const title = 'Colour tokens by';
  // What is shown is known: the next one is nearer.
  const others = [...items.filter(({ choice }) => choice.kind), ...items.filter(({ choice }) => !choice.kind)];
  return (await vscode.window.showQuickPick(others, { title }))?.choice;
}

/** The review document in front, where figures of its tokens are known; says why not else. */
function heatedReview(reviews: ReviewDocuments): OpenReview | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const review = uri && reviews.get(uri);
  if (review && review.heats.length > 0) return review;
  const words = review
    ? 'Nothing is known of the single tokens of these answers. Runs of ppo, grpo and rloo write it with their samples.'
    : 'Open a review document first: the samples of a run.';
  void vscode.window.showInformationMessage(words);
  return undefined;
}

/** Keeps the colours of the editors that are in view. */
class HeatPainter implements vscode.Disposable {
  private types: Readonly<Record<Scale, readonly vscode.TextEditorDecorationType[]>> | undefined;
  /** The lines that are coloured, of each editor. */
  private readonly painted = new WeakMap<vscode.TextEditor, { from: number; to: number }>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly reviews: ReviewDocuments) {
    this.subscriptions = [
      reviews.onShown((review) => {
        for (const editor of vscode.window.visibleTextEditors)
          if (!review || editor.document.uri.toString() === review.uri.toString()) this.paint(editor);
      }),
      vscode.window.onDidChangeVisibleTextEditors((editors) => editors.forEach((editor) => this.paint(editor))),
      vscode.window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => {
        const done = this.painted.get(textEditor);
        const beyond = textEditor.visibleRanges.some(
          ({ start, end }) => !done || start.line < done.from || end.line > done.to,
        );
        if (beyond && this.reviews.get(textEditor.document.uri)?.heat) this.paint(textEditor);
      }),
    ];
  }

  private paint(editor: vscode.TextEditor): void {
    const review = this.reviews.get(editor.document.uri);
    if (!review) return;
    const { heat, built } = review;
    if (!heat && !this.painted.delete(editor)) return;
    const shown: Record<Scale, vscode.DecorationOptions[][]> = { kl: STEPS.map(() => []), reward: STEPS.map(() => []) };
    // The text follows what was built a moment later: colours wait for it.
    if (heat && editor.document.lineAt(0).text === heat.legend.text) {
      const scale = scaleOf(heat.kind);
      const put = (step: number, option: vscode.DecorationOptions): void => void shown[scale][step]?.push(option);
      heat.legend.steps.forEach(({ start, end }, step) => put(step, { range: new vscode.Range(0, start, 0, end) }));
      const lines = editor.visibleRanges.flatMap(({ start, end }) => [start.line, end.line]);
      const [from, to] = [Math.min(...lines) - AHEAD, Math.max(...lines) + AHEAD];
      this.painted.set(editor, { from, to });
      for (const answer of built.answers) {
        if (answer.last < from || answer.first > to) continue;
        for (const span of placedSpans(answer)) {
          const value = valueOf(span, heat.kind);
          if (value === undefined || span.from.line > to || span.to.line < from) continue;
          const step = stepOf(heat, value);
          put(step, span.end > span.start ? { range: rangeOf(span) } : endMark(span, colorOf(scale, step + 1)));
        }
      }
    }
    // made with the first heat: most windows show none
    const types = (this.types ??= { kl: typesOf('kl'), reward: typesOf('reward') });
    for (const scale of ['kl', 'reward'] as const)
      types[scale].forEach((type, step) => editor.setDecorations(type, shown[scale][step] ?? []));
  }

  dispose(): void {
    const { kl = [], reward = [] } = this.types ?? {};
    for (const subscription of [...this.subscriptions, ...kl, ...reward]) subscription.dispose();
  }
}

/** The token that ends the turn has no text: a word behind the answer stands for it, which copying leaves out. */
function endMark(span: PlacedSpan, backgroundColor: vscode.ThemeColor): vscode.DecorationOptions {
  const after = { contentText: '\u00a0end\u00a0', fontStyle: 'italic', backgroundColor, margin: '0 0 0 0.5ch' };
  return { range: rangeOf(span), renderOptions: { after } };
}

function rangeOf({ from, to }: PlacedSpan): vscode.Range {
  const place = ({ line, character }: Place) => new vscode.Position(line, character);
  return new vscode.Range(place(from), place(to));
}
