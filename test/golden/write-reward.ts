/** Run by reward.py: writes the golden reward model to FOLDER and prints the hashes of its files. */
import { folderHashes, writeGoldenReward } from './written-checkpoint';

const [folder, tokenizer] = process.argv.slice(2);
if (folder === undefined || tokenizer === undefined) throw new Error('two folders are needed');
writeGoldenReward(folder, tokenizer);
console.log(JSON.stringify(folderHashes(folder)));
