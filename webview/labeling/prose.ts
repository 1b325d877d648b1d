import { element } from '../controls';
import type { Stretch } from './differences';
import { parseMarkdown, type Block, type Cell, type Inline } from './markdown';
import { visibleText } from '../../src/protocol/visible-text';

/** Longer texts are shown as they are: reading their markdown would hold up the next pair. */
const LONGEST_MARKDOWN = 100_000;
/** Characters in one element of a long text, so that the browser lays out what is on the screen only. */
const CHUNK = 20_000;

/** A text from data or a model as elements. It becomes text nodes only: nothing in it is ever parsed as HTML. */
export function prose(text: string): DocumentFragment {
  const made = document.createDocumentFragment();
  const visible = visibleText(text);
  if (visible.length > LONGEST_MARKDOWN) made.append(...chunks(visible));
  else made.append(...parseMarkdown(visible).map(blockElement));
  return made;
}

function chunks(text: string): HTMLElement[] {
  const made: HTMLElement[] = [];
  for (let at = 0; at < text.length;) {
    const line = text.indexOf('\n', at + CHUNK);
    const end = line < 0 || line > at + 2 * CHUNK ? at + CHUNK : line + 1;
    made.push(element('div', 'plain chunk', text.slice(at, end)));
    at = end;
  }
  return made;
}

/** A text with the words underlined that the other lacks. */
export function marked(stretches: readonly Stretch[]): HTMLElement {
  const made = element('div', 'plain');
  made.dir = 'auto';
  for (const { text, only } of stretches) {
    // Spaces alone are no word.
    if (only && text.trim() !== '') made.append(element('ins', 'only', text));
    else made.append(text);
  }
  return made;
}

function blockElement(block: Block): HTMLElement {
  switch (block.kind) {
    case 'paragraph':
      return withInlines(element('p'), block.inlines);
    case 'heading':
      // A heading of an answer is none of the panel's.
      return withInlines(element('p', `heading level-${block.level}`), block.inlines);
    case 'code': {
      const made = element('pre');
      made.tabIndex = 0;
      if (block.info) made.append(element('span', 'info', `${block.info}\n`));
      made.append(element('code', '', block.text));
      return made;
    }
    case 'list': {
      const made = element('ul');
      for (const item of block.items) {
        const line = element('li', `depth-${item.depth}`);
        line.append(element('span', 'marker', item.marker), withInlines(element('span'), item.inlines));
        made.append(line);
      }
      return made;
    }
    case 'table': {
      const made = element('table');
      made.append(tableRow('th', block.head), ...block.rows.map((cells) => tableRow('td', cells)));
      const scrolled = element('div', 'scrolled');
      scrolled.tabIndex = 0;
      scrolled.append(made);
      return scrolled;
    }
    case 'quote': {
      const made = element('blockquote');
      made.append(...block.blocks.map(blockElement));
      return made;
    }
    case 'rule':
      return element('hr');
  }
}

function tableRow(tag: 'th' | 'td', cells: readonly Cell[]): HTMLElement {
  const made = element('tr');
  made.append(...cells.map((cell) => withInlines(element(tag), cell)));
  return made;
}

function withInlines(parent: HTMLElement, inlines: readonly Inline[]): HTMLElement {
  parent.dir = 'auto';
  parent.append(...inlines.map(inlineNode));
  return parent;
}

function inlineNode(inline: Inline): Node {
  switch (inline.kind) {
    case 'text':
      return document.createTextNode(inline.text);
    case 'code':
      return element('code', '', inline.text);
    case 'strong':
    case 'emphasis': {
      const made = element(inline.kind === 'strong' ? 'strong' : 'em');
      made.append(...inline.inlines.map(inlineNode));
      return made;
    }
    case 'link': {
      // No link: a click on an answer must not lead anywhere, and the address is part of what is judged.
      const made = element('span', 'link', inline.text);
      made.append(element('span', 'address', ` (${inline.address})`));
      return made;
    }
  }
}
