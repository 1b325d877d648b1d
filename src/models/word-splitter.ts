import { SequencePreTokenizer, type PreTokenizer } from '@huggingface/tokenizers';

/**
 * Splits text into words in two stages: `split` cuts the text, `spell` writes each word in the characters of the
 * vocabulary. `spell` sees one word at a time, so that its result can be kept per word.
 */
export interface WordSplitter {
  split(text: string, sectionIndex: number): string[];
  spell(word: string): string[];
}

/** A splitter over the library's parts: byte spelling at the end of the chain becomes the second stage. */
export function wordSplitter(parts: PreTokenizer | null): WordSplitter {
  const asIs = (word: string) => [word];
  if (!parts) return { split: asIs, spell: asIs };
  const chain = flatten(parts);
  const last = chain.at(-1);
  const lead = chain.slice(0, -1);
  if (last && lead.length > 0 && spellsBytes(last)) {
    return {
      split: (text) => lead.reduce<string[]>((words, part) => part.pre_tokenize(words), [text]),
      spell: (word) => last.pre_tokenize(word),
    };
  }
  return { split: (text, section_index) => parts.pre_tokenize(text, { section_index }), spell: asIs };
}

function flatten(part: PreTokenizer): PreTokenizer[] {
  if (!(part instanceof SequencePreTokenizer)) return [part];
  return part.tokenizers.flatMap((inner) => (inner ? flatten(inner) : []));
}

/** Whether a part only spells words in byte characters: a ByteLevel that neither splits nor adds a blank. */
function spellsBytes(part: PreTokenizer): boolean {
  return (
    'byte_encoder' in part &&
    'use_regex' in part &&
    part.use_regex === false &&
    !('add_prefix_space' in part && part.add_prefix_space === true)
  );
}
