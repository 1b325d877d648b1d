/** What `align init` writes: folders and files relative to the chosen folder. Existing files stay as they are. */
export interface ProjectTemplate {
  readonly folders: readonly string[];
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

/** The config that `align init` writes, with comments that teach. It passes validation as it is. */
export const CONFIG_TEMPLATE = `# An experiment of Alignment Lab. Run a stage with the lens above it, or with \`align run align.yaml sft\`.
# Paths are relative to this file. A key that is left out has its default: point at it to read about it.

# Default starting weights: a Hugging Face folder (config.json, tokenizer.json, model.safetensors).
model: ./model

device: cpu # or webgpu, for any GPU with a driver
seed: 42 # same seed and threads: same bytes

stages:
  # Pre-training from random weights. Take the comment signs away to use it; \`model: pretrain\` in another
  # stage then starts from its result.
  # pretrain:
  #   type: pretrain
  #   architecture: ./architecture.json # a config.json of a Llama-family model
  #   tokenizer: { train: bpe, vocab_size: 2048 }
  #   data: data/corpus.jsonl # one {"text": "..."} a line, or plain text files
  #   schedule: cosine
  #   warmup: 0.03 # below 1: a share of the run

  # Supervised fine-tuning: learn the answers of demonstrations.
  sft:
    type: sft
    # One JSON object a line: {"prompt": "...", "completion": "..."}, {"messages": [...]} or {"text": "..."}.
    data: data/demonstrations.jsonl
    learning_rate: 2.0e-5 # a model below 10 M parameters wants about 5.0e-4
    epochs: 3
    batch_size: 8 # rows per optimizer step
    held_out: 0.05 # a share of the rows for evaluation
    # freeze: [embeddings] # keeps words alive that the demonstrations never use
    # early_stopping: 3 # stop after 3 evaluations without a better eval_loss
`;

const DEMONSTRATIONS = [
  { prompt: 'What is the capital of France?', completion: 'Paris.' },
  { prompt: 'Write one word for very cold.', completion: 'Freezing.' },
];

export function projectTemplate(): ProjectTemplate {
  return {
    folders: ['data', 'model', 'labels'],
    files: [
      { path: 'align.yaml', text: CONFIG_TEMPLATE },
      { path: 'data/demonstrations.jsonl', text: DEMONSTRATIONS.map((row) => `${JSON.stringify(row)}\n`).join('') },
      { path: '.align/.gitignore', text: '*\n' },
    ],
  };
}
