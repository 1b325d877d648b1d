"""Iterations of TRL's PPOTrainer on the CPU in float32, with a value model of its own. Prints one line of JSON.

TRL 1.12 is the last release that has it: this runs on the packages of requirements-ppo.txt.
"""

import os

from measure import parser, prepare, since_process_start
from trl_trainers import add_arguments, causal_model, common, read_rows, report_training, step_clock, train


def main():
    p = parser(__doc__)
    add_arguments(p)
    p.add_argument("--reward", required=True, help="folder of a sequence classifier with one label: reward and value model")
    p.add_argument("--prompts", required=True, help="JSONL with ids, the tokens of a prompt")
    p.add_argument("--new-tokens", type=int, default=48)
    p.add_argument("--epochs", type=int, default=4, help="passes over the answers of an iteration")
    args = p.parse_args()
    assert args.steps > 0, "--steps is the number of iterations"

    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    torch = prepare(args.threads, args.seed)
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    disable_progress_bars()
    imported = since_process_start()
    clock = step_clock()

    def scorer():
        return AutoModelForSequenceClassification.from_pretrained(args.reward, num_labels=1, dtype=torch.float32)

    prompts = Dataset.from_list([dict(input_ids=row["ids"]) for row in read_rows(args.prompts)])
    trainer = PPOTrainer(
        model=causal_model(args),
        ref_model=causal_model(args),
        reward_model=scorer(),
        value_model=scorer(),
        processing_class=AutoTokenizer.from_pretrained(args.model, padding_side="left"),
        train_dataset=prompts,
        eval_dataset=prompts,
        args=PPOConfig(**common(args), total_episodes=args.steps * args.batch_size, response_length=args.new_tokens,
                       num_ppo_epochs=args.epochs, num_mini_batches=1, temperature=1.0, kl_coef=0.05,
                       num_sample_generations=0, local_rollout_forward_batch_size=args.batch_size),
        callbacks=[clock],
    )
    train(trainer)
    report_training("ppo", args, imported, clock)


if __name__ == "__main__":
    main()
