"""Records golden values of the reward model. Run it only to make new ones; the tests need no Python.

    pip install torch==2.13.0 transformers==5.24.0 trl==1.16.0 safetensors==0.8.0 numpy==2.4.6
    npm ci && python test/golden/reward.py

data/reward.json and data/reward.safetensors: a LlamaForSequenceClassification with one label and TRL's own loss
(`RewardTrainer.compute_loss`, called on a stand-in for the trainer) on right-padded pairs: losses and metrics without
and with margins and centring, gradients, 20 AdamW steps. Soft labels, which TRL has not, are written out in PyTorch.

data/reward-checkpoint.json: our writer (src/models/reward-model.ts) writes a folder with three heads;
AutoModelForSequenceClassification opens it as it is and scores rows of tokens. The hashes of the files tell the test
that it is this folder.
"""

import json
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
import transformers
import trl
from transformers import AutoModelForSequenceClassification, LlamaConfig, LlamaForSequenceClassification
from trl.trainer.reward_trainer import RewardTrainer

import make

ROOT = make.DATA.parent.parent.parent
CENTERING = 0.01
PAIRS = 3


def make_model(seed):
    config = LlamaConfig(**{**make.BASE, "pad_token_id": 0}, num_labels=1, attn_implementation="eager")
    model = LlamaForSequenceClassification(config).float().train()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1 + 0.1 * noise if "norm" in name else 0.15 * noise)
    return model


def make_pairs(generator):
    """Chosen rows, then rejected ones, padded at the right with 0, which no text holds; a margin for each pair."""
    batch = make.make_batch(generator, rows=2 * PAIRS)
    return dict(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        margin=torch.rand(PAIRS, generator=generator),
    )


def trl_loss(model, batch, centering, margin=True):
    """TRL's loss and metrics of one batch."""
    same = lambda value: value
    trainer = SimpleNamespace(
        model=model,
        args=SimpleNamespace(center_rewards_coefficient=centering),
        accelerator=SimpleNamespace(gather=same, gather_for_metrics=same),
        _metrics={"train": defaultdict(list), "eval": defaultdict(list)},
        _total_train_tokens=0,
        _tp_size=1,
    )
    inputs = {k: v for k, v in batch.items() if margin or k != "margin"}
    loss = RewardTrainer.compute_loss(trainer, model, inputs)
    return loss, {name: values[0] for name, values in trainer._metrics["train"].items()}


def soft_loss(model, batch, p):
    rewards = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.squeeze(-1)
    chosen, rejected = rewards.chunk(2)
    delta = chosen - rejected
    return (-p * F.logsigmoid(delta) - (1 - p) * F.logsigmoid(-delta)).mean()


def record_loss():
    model = make_model(11)
    initial = make.parameters(model)
    generator = torch.Generator().manual_seed(12)
    batch = make_pairs(generator)
    values = {"config": make.config_json(model), "pairs": PAIRS, "centering": CENTERING}
    for name, centering, margin in (("plain", None, False), ("margin", None, True), ("centred", CENTERING, True)):
        loss, metrics = trl_loss(model, batch, centering, margin)
        values[name] = dict(loss=loss.item(), metrics=metrics)
    p = torch.tensor([0.5, 0.75, 1.0])
    values["soft"] = dict(p=p.tolist(), loss=soft_loss(model, batch, p).item())

    trl_loss(model, batch, CENTERING)[0].backward()
    tensors = {
        **make.prefixed("initial", initial),
        **make.prefixed("gradient", make.gradients(model)),
        "scores": model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.detach().squeeze(-1),
    }
    batches = [make_pairs(generator) for _ in range(make.STEPS)]
    losses, norms, rates = make.train(
        model.named_parameters(), batches, lambda b: trl_loss(model, b, CENTERING)[0]
    )
    values |= dict(losses=losses, grad_norms=norms, learning_rates=rates)
    values["optimizer"] = dict(weight_decay=make.DECAY, max_grad_norm=make.CLIP)
    values["made_with"] = dict(torch=torch.__version__, transformers=transformers.__version__, trl=trl.__version__)
    tensors |= make.prefixed("final", make.parameters(model))
    stacked = {key: torch.stack([b[key] for b in [batch, *batches]]) for key in batch}
    tensors |= {key: stacked[key].to(torch.int32) for key in ("input_ids", "attention_mask")}
    tensors["margin"] = stacked["margin"]
    make.save("reward", tensors, values)


def record_checkpoint():
    tokenizer = make.DATA / "tokenizer"
    with tempfile.TemporaryDirectory() as scratch:
        script, folder = Path(scratch) / "write.mjs", Path(scratch) / "model"
        bundle = ["npx", "esbuild", "test/golden/write-reward.ts", "--bundle", "--platform=node", "--format=esm"]
        subprocess.run([*bundle, "--packages=external", "--log-level=error", f"--outfile={script}"], cwd=ROOT, check=True)
        # Node looks for packages from the script's folder upwards.
        (Path(scratch) / "node_modules").symlink_to(ROOT / "node_modules")
        written = subprocess.run(["node", script, folder, tokenizer], check=True, capture_output=True, text=True)
        model, info = AutoModelForSequenceClassification.from_pretrained(
            folder, output_loading_info=True, attn_implementation="eager"
        )
        assert not any(info.values()), info
        assert model.config.num_labels == 1 and model.dtype == torch.float32
        batch = make.make_batch(torch.Generator().manual_seed(13), rows=5, length=24, vocab=380)
        lengths = batch["attention_mask"].sum(1)
        ids = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, model.config.pad_token_id)
        ids = ids.masked_fill((ids == model.config.pad_token_id) & (batch["attention_mask"] == 1), 7)
        with torch.no_grad():
            scores = model(input_ids=ids, attention_mask=batch["attention_mask"]).logits.squeeze(-1)
        values = dict(
            files=json.loads(written.stdout),
            rows=[row[:length].tolist() for row, length in zip(ids, lengths)],
            scores=scores.tolist(),
            pad=model.config.pad_token_id,
            made_with=dict(torch=torch.__version__, transformers=transformers.__version__),
        )
        (make.DATA / "reward-checkpoint.json").write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
        print(values["scores"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    record_loss()
    record_checkpoint()
