import { join } from 'node:path';
import { messageOf } from '../../config/errors';
import { escapeMarkdown } from '../../data/markdown';
import { reportMarkdown } from '../../data/evaluation/markdown';
import { reportPlot, type Palette } from '../../data/evaluation/plot';
import { REPORT_FILE, readReport } from '../../data/evaluation/report';
import type { RunDir } from '../../runs/directory';
import { promptsOfSamples } from '../review/source';
import { reviewText } from '../review/text';

/**
 * The report of an evaluation as a Markdown document, with its picture inside it and links to the answers in the review
 * document of its samples. It is written anew from the report's numbers: nothing that a file says acts in it.
 */
export function reportText(dir: RunDir, stage: string, palette: Palette): string {
  try {
    const report = readReport(join(dir.path, REPORT_FILE));
    const places = placesOfSamples(dir, stage);
    const review = `../../run/${linkPart(dir.id)}/${linkPart(`${stage}.samples`)}`;
    return reportMarkdown(report, {
      plot: pictureLink(reportPlot(report, palette)),
      sample: (line) => (places.has(line) ? `${review}#L${places.get(line)}` : review),
    });
  } catch (error) {
    return `# Report of ${escapeMarkdown(stage)}\n\n${escapeMarkdown(messageOf(error))}\n`;
  }
}

/** The name of a report's document. */
export const reportName = (stage: string): string => `Report of ${stage}.md`;

/** For each line of samples.jsonl its line in the review document, both from 1. */
function placesOfSamples(dir: RunDir, stage: string): Map<number, number> {
  const { answers } = reviewText(promptsOfSamples(dir.id, stage, dir.readSamples()));
  return new Map(answers.flatMap(({ sample, head }) => (sample === undefined ? [] : [[sample + 1, head + 1]])));
}

/** A picture as an address that holds it: a preview loads no file of a document that has no folder. */
export function pictureLink(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

/** A part of a link's path, whatever letters it has. */
export function linkPart(text: string): string {
  return encodeURIComponent(text).replace(/[()]/g, (bracket) => (bracket === '(' ? '%28' : '%29'));
}
