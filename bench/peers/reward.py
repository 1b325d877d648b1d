"""One epoch of TRL's RewardTrainer on the CPU in float32. Prints one line of JSON."""

from measure import parser, prepare, since_process_start
from trl_trainers import add_arguments, common, frozen, read_rows, report_training, step_clock, train


def main():
    p = parser(__doc__)
    add_arguments(p)
    p.add_argument("--data", required=True, help="JSONL with prompt, chosen and rejected as messages")
    p.add_argument("--max-length", type=int, default=128)
    args = p.parse_args()

    torch = prepare(args.threads, args.seed)
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from trl import RewardConfig, RewardTrainer

    disable_progress_bars()
    imported = since_process_start()
    clock = step_clock()
    rows = read_rows(args.data)
    model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=1, dtype=torch.float32)
    trainer = RewardTrainer(
        model=frozen(args, model),
        processing_class=AutoTokenizer.from_pretrained(args.model),
        train_dataset=Dataset.from_list(rows),
        args=RewardConfig(**common(args), max_length=args.max_length),
        callbacks=[clock],
    )
    train(trainer)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    report_training("reward", args, imported, clock, rows=len(rows), losses=losses)


if __name__ == "__main__":
    main()
