"""Supervised fine-tuning by TRL's SFTTrainer on the CPU in float32, loss on the assistant's tokens only.

Times the whole command: from the start of the process to the saved checkpoint. Afterwards, outside that time, the loss on
held-out rows is computed, averaged over tokens (TRL's own eval_loss averages batches). The chat template has to mark the
assistant's tokens with {% generation %}, as the quickstart's does; the last token of a turn must be inside.
Prints one line of JSON.
"""

import contextlib
import json
import sys
import time

from measure import parser, prepare, report, since_process_start

IGNORED = -100


def read_rows(file, count=None):
    with open(file, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return rows[:count]


def messages_of(row):
    return row["messages"] if "messages" in row else row["prompt"] + row["completion"]


def held_out_loss(torch, model, tokenizer, rows, max_length, batch_size):
    """Mean over all assistant tokens of all rows -> (loss, tokens)."""
    total, count = 0.0, 0
    model.eval()
    examples = []
    for row in rows:
        out = tokenizer.apply_chat_template(messages_of(row), return_dict=True, return_assistant_tokens_mask=True)
        ids, mask = out["input_ids"][:max_length], out["assistant_masks"][:max_length]
        examples.append((ids, [t if m else IGNORED for t, m in zip(ids, mask)]))
    examples.sort(key=lambda e: len(e[0]))
    with torch.inference_mode():
        for start in range(0, len(examples), batch_size):
            part = examples[start:start + batch_size]
            longest = max(len(ids) for ids, _ in part)
            ids = torch.tensor([i + [0] * (longest - len(i)) for i, _ in part])
            labels = torch.tensor([l + [IGNORED] * (longest - len(l)) for _, l in part])
            mask = torch.tensor([[1] * len(i) + [0] * (longest - len(i)) for i, _ in part])
            logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
            targets = labels[:, 1:]
            total += torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1),
                                                       ignore_index=IGNORED, reduction="sum").item()
            count += int((targets != IGNORED).sum())
    return total / max(count, 1), count


def main():
    p = parser(__doc__)
    p.add_argument("--model", required=True, help="a model folder with weights, tokenizer and chat template")
    p.add_argument("--data", required=True, help="JSONL with messages")
    p.add_argument("--held-out", required=True, help="JSONL with messages, or prompt and completion as messages")
    p.add_argument("--out", required=True, help="folder for the checkpoint")
    p.add_argument("--rows", type=int, help="only the first rows of --data")
    p.add_argument("--epochs", type=float, default=3)
    p.add_argument("--steps", type=int, default=-1, help="optimizer steps instead of epochs")
    p.add_argument("--learning-rate", type=float, default=2e-5)
    p.add_argument("--batch-size", type=int, default=8, help="rows an optimizer step")
    p.add_argument("--micro-batch-size", type=int, help="rows a forward pass; default: all of them")
    p.add_argument("--schedule", default="linear")
    p.add_argument("--warmup", type=float, default=0, help="steps, or below 1 a share of them")
    p.add_argument("--weight-decay", type=float, default=0)
    p.add_argument("--adam-beta2", type=float, default=0.999)
    p.add_argument("--max-grad-norm", type=float, default=1.0)
    p.add_argument("--max-length", type=int, default=1024)
    p.add_argument("--freeze-embeddings", action="store_true", help="hold input and tied output embeddings fixed")
    p.add_argument("--packing", action="store_true", help="TRL's packing; it is off by default there")
    p.add_argument("--group-by-length", action="store_true", help="batches of rows of like length: less padding")
    p.add_argument("--logging-steps", type=int, default=10)
    args = p.parse_args()

    torch = prepare(args.threads, args.seed)
    import trl
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    imported = since_process_start()
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    if args.freeze_embeddings:
        model.get_input_embeddings().weight.requires_grad_(False)
    rows = [dict(messages=messages_of(row)) for row in read_rows(args.data, args.rows)]
    micro = args.micro_batch_size or args.batch_size
    assert args.batch_size % micro == 0, "--micro-batch-size must divide --batch-size"
    options = dict(train_sampling_strategy="group_by_length") if args.group_by_length else {}
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
        args=SFTConfig(
            output_dir=args.out, use_cpu=True, bf16=False, seed=args.seed, report_to="none", disable_tqdm=True,
            num_train_epochs=args.epochs, max_steps=args.steps, learning_rate=args.learning_rate,
            per_device_train_batch_size=micro, gradient_accumulation_steps=args.batch_size // micro,
            lr_scheduler_type=args.schedule, warmup_steps=args.warmup, weight_decay=args.weight_decay,
            adam_beta2=args.adam_beta2, max_grad_norm=args.max_grad_norm, max_length=args.max_length,
            packing=args.packing, assistant_only_loss=True, gradient_checkpointing=False, save_strategy="no",
            eval_strategy="no", logging_steps=args.logging_steps, optim="adamw_torch_fused", **options,
        ),
    )
    prepared = since_process_start()
    # TRL prints its log to stdout; that is kept for the result.
    with contextlib.redirect_stdout(sys.stderr):
        trainer.train()
    trained = since_process_start()
    trainer.save_model(args.out)
    saved = since_process_start()

    start = time.perf_counter()
    loss, tokens = held_out_loss(torch, model, tokenizer, read_rows(args.held_out), args.max_length, 32)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    report(what="sft", threads=args.threads, rows=len(rows), steps=trainer.state.global_step, seconds=saved,
           parts=dict(imports=imported, load_and_tokenize=prepared - imported, train=trained - prepared, save=saved - trained,
                      held_out=time.perf_counter() - start),
           held_out_loss=loss, held_out_tokens=tokens, losses=losses, trl=trl.__version__)


if __name__ == "__main__":
    main()
