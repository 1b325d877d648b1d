"""One epoch of TRL's DPOTrainer on the CPU in float32, the reference's log-probabilities computed once before it.
Prints one line of JSON."""

from measure import parser, prepare, since_process_start
from trl_trainers import add_arguments, causal_model, common, read_rows, report_training, step_clock, train


def main():
    p = parser(__doc__)
    add_arguments(p)
    p.add_argument("--data", required=True, help="JSONL with prompt, chosen and rejected as messages")
    p.add_argument("--beta", type=float, default=0.1)
    p.add_argument("--max-length", type=int, default=128)
    args = p.parse_args()

    prepare(args.threads, args.seed)
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    disable_progress_bars()
    imported = since_process_start()
    clock = step_clock()
    rows = read_rows(args.data)
    trainer = DPOTrainer(
        model=causal_model(args),
        processing_class=AutoTokenizer.from_pretrained(args.model),
        train_dataset=Dataset.from_list(rows),
        args=DPOConfig(**common(args), beta=args.beta, max_length=args.max_length, precompute_ref_log_probs=True),
        callbacks=[clock],
    )
    train(trainer)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    report_training("dpo", args, imported, clock, rows=len(rows), losses=losses)


if __name__ == "__main__":
    main()
