/**
 * What needs the config schema, the YAML parser and the schemas of run files: everything that activation can do
 * without. Loaded by `core()` of loading.ts; nothing that the extension's entry reaches may import these files'
 * values by itself (test/editor-unit/activation.test.ts holds it).
 */
export { complete } from '../config/complete';
export { ContentHashes } from '../config/contents';
export { checkFiles } from '../config/files';
export { staleness, upstream } from '../config/graph';
export { hover } from '../config/hover';
export { folderTest } from '../config/load';
export { parseExperiment } from '../config/parse';
export { replaceFile } from '../data/durable';
export { appendComment, COMMENTS_FILE, readComments } from '../data/labels/comments';
export { readPairs } from '../data/labels/pairs';
export { demonstrationRows, preferenceRows, readLabeledPairs } from '../data/labels/training-data';
export { request } from '../runs/control';
export { JsonlTail } from '../runs/tail';
export { JsonlFollower, RunWatcher } from '../runs/watch';
export { agreementText } from './agreement/agreement-text';
export { sendToLabeling } from './alarms/labels';
export { branchRun } from './runs/branch';
export { CompareSession } from './compare/session';
export { reportName, reportText } from './evaluation/report-text';
export { stagesText } from './evaluation/stages-text';
export { guidelineOf } from './labeling/guideline-file';
export { alphaOf } from './labeling/agreement';
export { LabelingSession } from './labeling/session';
export { AnswerJudge, sendPair } from './review/judge';
export { launch, staleUpstream, startStage, untilDone } from './runs/start';
