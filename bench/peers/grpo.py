"""Steps of TRL's GRPOTrainer on the CPU in float32: answers, a cheap reward, one update. Prints one line of JSON."""

import re

from measure import parser, prepare, since_process_start
from trl_trainers import add_arguments, causal_model, common, read_rows, report_training, step_clock, train


def different_words(completions, **_):
    """The share of an answer's words that are different: what bench/rows/grpo.ts gives ours as a rule."""
    texts = [c if isinstance(c, str) else c[0]["content"] for c in completions]
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    return [len(set(w)) / max(1, len(w)) for w in words]


def main():
    p = parser(__doc__)
    add_arguments(p)
    p.add_argument("--prompts", required=True, help="JSONL with prompt as messages")
    p.add_argument("--answers", type=int, default=8, help="answers a prompt; --batch-size counts answers")
    p.add_argument("--new-tokens", type=int, default=40)
    p.add_argument("--beta", type=float, default=0.04)
    args = p.parse_args()

    prepare(args.threads, args.seed)
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    disable_progress_bars()
    imported = since_process_start()
    clock = step_clock()
    trainer = GRPOTrainer(
        model=causal_model(args),
        reward_funcs=different_words,
        processing_class=AutoTokenizer.from_pretrained(args.model),
        train_dataset=Dataset.from_list([dict(prompt=row["prompt"]) for row in read_rows(args.prompts)]),
        args=GRPOConfig(**common(args), num_generations=args.answers, max_completion_length=args.new_tokens,
                        beta=args.beta, temperature=1.0, top_k=0, steps_per_generation=args.batch_size
                        // (args.micro_batch_size or args.batch_size)),
        callbacks=[clock],
    )
    train(trainer)
    lengths = [entry["completions/mean_length"] for entry in trainer.state.log_history
               if "completions/mean_length" in entry]
    report_training("grpo", args, imported, clock, answers=args.batch_size, mean_lengths=lengths)


if __name__ == "__main__":
    main()
