"""What the peers that run a trainer of TRL share: rows, models, the clock of the steps and the arguments of all trainers."""

import contextlib
import json
import sys
import time

from measure import report, since_process_start


def read_rows(file, count=None):
    with open(file, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return rows[:count]


def add_arguments(p):
    p.add_argument("--model", required=True, help="a model folder with weights, tokenizer and chat template")
    p.add_argument("--out", required=True, help="folder for what the trainer writes")
    p.add_argument("--learning-rate", type=float, default=1e-4)
    p.add_argument("--batch-size", type=int, default=32, help="rows an optimizer step")
    p.add_argument("--micro-batch-size", type=int, help="rows a forward pass; default: all of them")
    p.add_argument("--steps", type=int, default=-1, help="optimizer steps instead of one epoch")
    p.add_argument("--freeze-embeddings", action="store_true", help="hold input and tied output embeddings fixed")


def common(args):
    """The trainers' common arguments."""
    micro = args.micro_batch_size or args.batch_size
    assert args.batch_size % micro == 0, "--micro-batch-size must divide --batch-size"
    return dict(
        output_dir=args.out, use_cpu=True, bf16=False, seed=args.seed, report_to="none", disable_tqdm=True,
        num_train_epochs=1, max_steps=args.steps, learning_rate=args.learning_rate, lr_scheduler_type="linear",
        per_device_train_batch_size=micro, gradient_accumulation_steps=args.batch_size // micro, max_grad_norm=1.0,
        gradient_checkpointing=False, save_strategy="no", eval_strategy="no", logging_steps=10,
        optim="adamw_torch_fused",
    )


def causal_model(args):
    import torch
    from transformers import AutoModelForCausalLM

    return frozen(args, AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32))


def frozen(args, model):
    if args.freeze_embeddings:
        model.get_input_embeddings().weight.requires_grad_(False)
    return model


def step_clock():
    """A callback that notes when training begins and when each step ends, in seconds since the process began."""
    from transformers import TrainerCallback

    class StepClock(TrainerCallback):
        def __init__(self):
            self.marks = []

        def on_train_begin(self, *_, **__):
            self.marks.append(since_process_start())

        def on_step_end(self, *_, **__):
            self.marks.append(since_process_start())

        def step_seconds(self):
            return [b - a for a, b in zip(self.marks, self.marks[1:])]

    return StepClock()


def train(trainer):
    """TRL prints its log to stdout; that is kept for the result."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        trainer.train()
    return time.perf_counter() - start


def report_training(what, args, imported, clock, **values):
    """`seconds`: from the end of the imports to the end of the last step, so loading and tokenizing are in it."""
    import trl

    report(what=what, threads=args.threads, seconds=clock.marks[-1] - imported, step_seconds=clock.step_seconds(),
           steps=len(clock.marks) - 1, prepare_seconds=clock.marks[0] - imported, trl=trl.__version__, **values)
