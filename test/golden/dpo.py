"""Records golden values of DPO from TRL's trainer. Run it only to make new ones; the tests need no Python.

    pip install trl==1.16.0 torch==2.13.0 transformers==5.24.0 datasets==5.2.0
    HF_HUB_OFFLINE=1 python test/golden/dpo.py            # into test/golden/data/dpo.{json,safetensors}

float32 on the CPU, eager attention, one thread, fixed seeds. The policy starts as `llama` of make.py; the reference is the
same with noise, so that log-ratios are not 0 at the start. What TRL does not have (label smoothing of `sigmoid`, soft
labels) is recorded from a plain PyTorch version of the formulas.
"""

import json
import platform
import tempfile

import torch
import torch.nn.functional as F
import transformers
import trl
from datasets import Dataset
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

from make import CLIP, DATA, DECAY, OPTIMIZER, STEPS, WARMUP, gradients, make_model, parameters, prefixed

PAIRS = 4
BETA = 0.3
EOS, PAD = 96, 0
LOSSES = {
    "sigmoid": dict(loss_type=["sigmoid"]),
    "hinge": dict(loss_type=["hinge"]),
    "ipo": dict(loss_type=["ipo"]),
    "robust": dict(loss_type=["robust"], label_smoothing=0.1),
    "nll": dict(loss_type=["sigmoid", "sft"], loss_weights=[1.0, 0.5]),
}
METRICS = ["rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins", "logps/chosen", "logps/rejected",
           "logits/chosen", "logits/rejected", "entropy", "mean_token_accuracy", "num_tokens", "grad_norm", "learning_rate"]


def make_reference():
    model = make_model(1)
    generator = torch.Generator().manual_seed(60)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.02 * torch.randn(p.shape, generator=generator))
    return model


def make_pairs():
    generator = torch.Generator().manual_seed(61)
    draw = lambda low, high: int(torch.randint(low, high, (), generator=generator))
    words = lambda n: torch.randint(1, EOS, (n,), generator=generator).tolist()
    return [dict(prompt=words(draw(1, 9)), chosen=words(draw(1, 12)) + [EOS], rejected=words(draw(1, 12)) + [EOS])
            for _ in range(PAIRS * STEPS)]


def make_tokenizer():
    """A word a token: the word of token 7 is t7."""
    backend = Tokenizer(models.WordLevel({f"t{i}": i for i in range(97)}, unk_token="t1"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=f"t{EOS}", pad_token=f"t{PAD}")


def text(ids):
    return "".join(f" t{i}" for i in ids)


class Trainer(DPOTrainer):
    """Takes pairs in their order, and keeps losses as they are."""

    losses = None

    def _get_train_sampler(self, *args, **kwargs):
        return torch.utils.data.SequentialSampler(self.train_dataset)

    def compute_loss(self, *args, **kwargs):
        loss = super().compute_loss(*args, **kwargs)
        if self.losses is not None:
            self.losses.append(loss.item())
        return loss


def make_trainer(pairs, folder, **loss):
    arguments = DPOConfig(
        output_dir=folder, beta=BETA, per_device_train_batch_size=PAIRS, max_steps=STEPS, learning_rate=OPTIMIZER["lr"],
        adam_beta1=OPTIMIZER["betas"][0], adam_beta2=OPTIMIZER["betas"][1], adam_epsilon=OPTIMIZER["eps"],
        weight_decay=DECAY, max_grad_norm=CLIP, lr_scheduler_type="cosine", warmup_steps=WARMUP, optim="adamw_torch",
        logging_steps=1, save_strategy="no", report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False,
        disable_tqdm=True, dataloader_pin_memory=False, **loss,
    )
    rows = [{key: text(ids) for key, ids in pair.items()} for pair in pairs]
    return Trainer(model=make_model(1), ref_model=make_reference(), args=arguments, train_dataset=Dataset.from_list(rows),
                   processing_class=make_tokenizer())


def record_trl(name, pairs, folder, **loss):
    trainer = make_trainer(pairs, folder, **loss)
    first = trainer.data_collator([trainer.train_dataset[i] for i in range(PAIRS)])
    model = trainer.model.train()
    value = trainer.compute_loss(model, first)
    value.backward()
    gradient = gradients(model)
    model.zero_grad()
    trainer._metrics["train"].clear()
    trainer._total_train_tokens = 0
    trainer.losses = []
    trainer.train()
    log = [row for row in trainer.state.log_history if "rewards/margins" in row]
    assert len(log) == STEPS and trainer.losses[0] == value.item()
    return (
        {**prefixed(f"gradient/{name}", gradient), **prefixed(f"final/{name}", parameters(trainer.model))},
        dict(losses=trainer.losses, metrics={key: [row[key] for row in log] for key in METRICS}),
    )


def reference_log_probs(pairs, folder):
    """Σ log π_ref over each answer's tokens, as TRL computes it."""
    trainer = make_trainer(pairs, folder)
    sums = []
    for at in range(0, len(pairs), PAIRS):
        batch = trainer.data_collator([trainer.train_dataset[i] for i in range(at, at + PAIRS)])
        chosen, rejected = trainer.compute_ref_log_probs(trainer.ref_model.eval(), batch)
        sums += [[a.item(), b.item()] for a, b in zip(chosen, rejected)]
    return sums


def plain_log_prob(model, prompt, answer):
    logits = model(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1:-1]
    return logits.log_softmax(-1).gather(1, torch.tensor(answer)[:, None]).sum()


def record_soft(pairs, reference, probabilities, epsilon):
    """Σ over both orders of a pair, each with label smoothing; mean over the pairs of the first batch."""
    model = make_model(1)
    total = 0
    for pair, (ref_w, ref_l), p in zip(pairs, reference, probabilities):
        h = BETA * (plain_log_prob(model, pair["prompt"], pair["chosen"]) - ref_w
                    - plain_log_prob(model, pair["prompt"], pair["rejected"]) + ref_l)
        smoothed = lambda x: -(1 - epsilon) * F.logsigmoid(x) - epsilon * F.logsigmoid(-x)
        total = total + p * smoothed(h) + (1 - p) * smoothed(-h)
    loss = total / len(probabilities)
    loss.backward()
    return prefixed("gradient/soft", gradients(model)), dict(p=probabilities, label_smoothing=epsilon, loss=loss.item())


def main():
    torch.set_num_threads(1)
    pairs = make_pairs()
    tensors, runs = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        reference = reference_log_probs(pairs, folder)
        for name, loss in LOSSES.items():
            found, runs[name] = record_trl(name, pairs, folder, **loss)
            tensors.update(found)
    found, soft = record_soft(pairs[:PAIRS], reference, [1.0, 0.5, 0.75, 2 / 3], 0.1)
    tensors.update(found)
    save_file(tensors, DATA / "dpo.safetensors", metadata={"format": "pt"})
    (DATA / "dpo.json").write_text(json.dumps(dict(
        beta=BETA, batch_size=PAIRS, pairs=pairs, reference=reference, runs=runs, soft=soft,
        made_with=dict(trl=trl.__version__, torch=torch.__version__, transformers=transformers.__version__,
                       machine=platform.machine()),
    )) + "\n")
    for name, run in runs.items():
        print(name, run["losses"][0], run["losses"][-1], run["metrics"]["grad_norm"][:3])


if __name__ == "__main__":
    main()
