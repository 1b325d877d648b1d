/** Run by check_checkpoint.py: writes the golden checkpoint to FOLDER and prints the hashes of its files. */
import { folderHashes, writeGoldenCheckpoint } from './written-checkpoint';

const [folder, tokenizer] = process.argv.slice(2);
if (folder === undefined || tokenizer === undefined) throw new Error('two folders are needed');
writeGoldenCheckpoint(folder, tokenizer);
console.log(JSON.stringify(folderHashes(folder)));
