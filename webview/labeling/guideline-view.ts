import type { PanelAction } from '../../src/protocol/labeling';
import { button, element } from '../controls';
import type { Model } from './model';
import { prose } from './prose';

/** What the project asks of its annotators, beside the pair. */
export class GuidelineView {
  readonly root = element('aside', 'guideline');
  private shown: unknown;

  constructor(
    private readonly onAction: (action: PanelAction) => void,
    private readonly onClose: () => void,
  ) {
    this.root.setAttribute('aria-label', 'Guideline');
    this.root.tabIndex = -1;
    this.root.hidden = true;
  }

  render({ session, guideline: open }: Model): void {
    this.root.hidden = !open || session === null;
    const guideline = session?.guideline ?? null;
    if (!session || this.shown === guideline) return;
    this.shown = guideline;
    const head = element('header');
    head.append(
      element('h2', '', guideline?.title ?? 'Guideline'),
      button({
        label: guideline ? 'Open the file' : 'Write one',
        icon: 'go-to-file',
        quiet: true,
        onClick: () => this.onAction('guideline'),
      }),
      button({ label: 'Close', icon: 'close', quiet: true, onClick: this.onClose }),
    );
    this.root.replaceChildren(head);
    if (!guideline) {
      this.root.append(
        element('p', 'dimmed', 'There is no guideline yet. It says what “better” means, with criteria and edge cases.'),
        button({ label: 'Write a guideline', onClick: () => this.onAction('guideline') }),
      );
      return;
    }
    if (guideline.criteria.length > 0) {
      const list = element('dl', 'criteria');
      for (const { name, question, low, high } of guideline.criteria) {
        const ends = [low && `1 ${low}`, high && `5 ${high}`].filter(Boolean).join(' · ');
        list.append(element('dt', '', name), element('dd', '', question));
        if (ends) list.append(element('dd', 'dimmed', ends));
      }
      this.root.append(list);
    }
    const body = element('div', 'content');
    body.append(prose(guideline.text));
    this.root.append(body);
    if (guideline.edgeCases.length > 0) {
      const list = element('ul', 'edge-cases');
      list.append(...guideline.edgeCases.map((text) => element('li', '', text)));
      this.root.append(element('h3', '', 'Edge cases'), list);
    }
  }
}
