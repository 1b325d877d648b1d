"""Records golden values from PyTorch. Run it only to make new ones; the tests need no Python.

    pip install torch==2.13.0 transformers==5.24.0 safetensors==0.8.0 numpy==2.4.6
    python test/golden/make.py            # everything but the checkpoint, into test/golden/data/
    python test/golden/check_checkpoint.py  # see there

float32 on the CPU, eager attention, one thread, fixed seeds. load.ts describes what stands where.
"""

import json
import platform
from pathlib import Path

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, get_cosine_schedule_with_warmup

import reference

DATA = Path(__file__).parent / "data"
IGNORED = -100
STEPS = 20
OPTIMIZER = dict(lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
# The clipping norm lies among the norms of the steps, so that some steps are clipped and some are not.
DECAY, CLIP, WARMUP = 0.1, 3.8, 4
BASE = dict(
    vocab_size=97,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    rms_norm_eps=1e-5,
    tie_word_embeddings=True,
    bos_token_id=None,
    eos_token_id=None,
    pad_token_id=None,
    rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
)
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
VARIANTS = {
    "untied": dict(tie_word_embeddings=False),
    "biases": dict(attention_bias=True, mlp_bias=True),
    "rope-linear": dict(rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}),
    "rope-llama3": dict(rope_parameters=LLAMA3),
    # A head size that is not hidden_size / heads, and one key-value head for all queries.
    "head-dim": dict(head_dim=12, num_key_value_heads=1),
}


def make_model(seed, **changes):
    """A model whose weights are drawn wide enough that attention, norms and biases all matter."""
    config = LlamaConfig(**{**BASE, **changes}, attn_implementation="eager")
    model = LlamaForCausalLM(config).float().train()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1 + 0.1 * noise if "norm" in name else 0.15 * noise)
    return model


def make_batch(generator, rows=4, length=16, vocab=97):
    """Right-padded rows of 5 … length tokens; labels are the tokens themselves, -100 on a prompt and on padding."""
    ids = torch.zeros(rows, length, dtype=torch.int64)
    labels = torch.full((rows, length), IGNORED)
    mask = torch.zeros(rows, length, dtype=torch.int64)
    for r in range(rows):
        size = int(torch.randint(5, length + 1, (), generator=generator))
        prompt = int(torch.randint(1, size - 2, (), generator=generator))
        ids[r, :size] = torch.randint(1, vocab, (size,), generator=generator)
        labels[r, prompt:size] = ids[r, prompt:size]
        mask[r, :size] = 1
    return dict(input_ids=ids, labels=labels, attention_mask=mask)


def summed_loss(logits, labels):
    """Sum of the losses of the learnt tokens, and their number. The logits at i predict the label at i + 1."""
    shifted = labels[:, 1:].reshape(-1)
    flat = logits[:, :-1].reshape(shifted.shape[0], -1)
    return F.cross_entropy(flat, shifted, ignore_index=IGNORED, reduction="sum"), int((shifted != IGNORED).sum())


def forward(model, batch):
    positions = torch.arange(batch["input_ids"].shape[1])[None].expand_as(batch["input_ids"])
    return model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], position_ids=positions).logits


def parameters(model):
    return {name: p.detach().clone().contiguous() for name, p in model.named_parameters()}


def gradients(model):
    return {name: p.grad.detach().clone().contiguous() for name, p in model.named_parameters()}


def prefixed(prefix, tensors):
    return {f"{prefix}/{name}": t for name, t in tensors.items()}


def as_int32(batch, prefix=""):
    return {f"{prefix}{name}": t.to(torch.int32).contiguous() for name, t in batch.items()}


def config_json(model):
    d = json.loads(model.config.to_json_string())
    return {key: d[key] for key in sorted(d) if not key.startswith("_")}


def save(name, tensors, values):
    save_file(tensors, DATA / f"{name}.safetensors", metadata={"format": "pt"})
    text = json.dumps(values, indent=1, sort_keys=True)
    (DATA / f"{name}.json").write_text(text + "\n")
    print(name, {k: v for k, v in values.items() if isinstance(v, float)})


def groups(named):
    named = list(named)
    return [
        dict(params=[p for _, p in named if p.ndim >= 2], weight_decay=DECAY),
        dict(params=[p for _, p in named if p.ndim < 2], weight_decay=0.0),
    ]


def train(named, batches, loss_of):
    """STEPS steps of AdamW on parameters [(name, tensor)]; -> losses, gradient norms before clipping, rates."""
    named = list(named)
    optimizer = torch.optim.AdamW(groups(named), **OPTIMIZER, foreach=False)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    losses, norms, rates = [], [], []
    for batch in batches:
        optimizer.zero_grad()
        loss = loss_of(batch)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_([p for _, p in named], CLIP, foreach=False).item())
        losses.append(loss.item())
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return losses, norms, rates


def reference_loss(weights, config, inv_freq):
    def loss_of(batch):
        ids = batch["input_ids"]
        positions = torch.arange(ids.shape[1])[None].expand_as(ids)
        causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
        allowed = causal[None] & batch["attention_mask"].bool()[:, None, :]
        total, count = summed_loss(reference.logits(weights, config, inv_freq, ids, positions, allowed), batch["labels"])
        return total / count

    return loss_of


def distances(mine, truth, start=None):
    """Per tensor: largest difference ÷ largest value of the truth (and ÷ largest change since the start)."""
    out = {}
    for name, t in truth.items():
        gap = (mine[name].double() - t.double()).abs().max().item()
        out[name] = dict(of_value=gap / t.abs().max().item())
        if start is not None:
            out[name]["of_change"] = gap / (t.double() - start[name].double()).abs().max().item()
    return out


def record_llama():
    model = make_model(1)
    initial = parameters(model)
    generator = torch.Generator().manual_seed(2)
    batch = make_batch(generator)
    logits = forward(model, batch)
    total, count = summed_loss(logits, batch["labels"])
    loss = total / count
    assert torch.allclose(loss, model(**batch).loss, rtol=1e-6)
    loss.backward()
    grads = gradients(model)

    batches = [make_batch(generator) for _ in range(STEPS)]

    def loss_of(b):
        total, count = summed_loss(forward(model, b), b["labels"])
        return total / count

    losses, norms, rates = train(model.named_parameters(), batches, loss_of)
    final = parameters(model)

    # What float32 itself costs: the same in float64, by a model that is checked against this one in float32.
    inv_freq = model.model.rotary_emb.inv_freq
    runs = {}
    for dtype in (torch.float32, torch.float64):
        w = {n: t.clone().to(dtype).requires_grad_() for n, t in initial.items()}
        value = reference_loss(w, model.config, inv_freq)(batch)
        value.backward()
        g = {n: t.grad.clone() for n, t in w.items()}
        trained = train(w.items(), batches, reference_loss(w, model.config, inv_freq))
        runs[dtype] = dict(loss=value.item(), grads=g, losses=trained[0], norms=trained[1], final={n: t.detach() for n, t in w.items()})
    single, double = runs[torch.float32], runs[torch.float64]
    assert abs(single["loss"] - loss.item()) < 1e-6 * loss.item()
    assert max(d["of_value"] for d in distances(single["grads"], grads).values()) < 1e-5

    tensors = {
        **prefixed("initial", initial),
        **prefixed("gradient", grads),
        **prefixed("final", final),
        # The float64 run, rounded to float32: closer to the truth than PyTorch's float32 is.
        **prefixed("final64", {n: t.float() for n, t in double["final"].items()}),
        **prefixed("gradient64", {n: t.float() for n, t in double["grads"].items()}),
        **as_int32(batch),
        "logits": logits.detach().contiguous(),
        **as_int32({k: torch.stack([b[k] for b in batches]) for k in batch}, "train/"),
    }
    noise = dict(
        gradient=distances(grads, double["grads"]),
        final=distances(final, double["final"], initial),
        losses=max(abs(a - b) / b for a, b in zip(losses, double["losses"])),
        grad_norms=max(abs(a - b) / b for a, b in zip(norms, double["norms"])),
        between_float32=distances(single["final"], final, initial),
    )
    save("llama", tensors, dict(
        config=config_json(model), loss=loss.item(), tokens=count, loss64=double["loss"],
        losses=losses, grad_norms=norms, learning_rates=rates, losses64=double["losses"], grad_norms64=double["norms"],
        optimizer=dict(learning_rate=1e-3, adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-8, weight_decay=DECAY,
                       max_grad_norm=CLIP, schedule="cosine", warmup=WARMUP, steps=STEPS),
        noise=noise,
        made_with=dict(torch=torch.__version__, transformers=transformers.__version__, machine=platform.machine()),
    ))
    return initial


def record_variant(index, name, changes):
    model = make_model(10 + index, **changes)
    batch = make_batch(torch.Generator().manual_seed(20 + index), rows=3, length=24)
    logits = forward(model, batch)
    total, count = summed_loss(logits, batch["labels"])
    loss = total / count
    loss.backward()
    tensors = {**prefixed("initial", parameters(model)), **prefixed("gradient", gradients(model)), **as_int32(batch),
               "logits": logits.detach().contiguous()}
    save(name, tensors, dict(config=config_json(model), loss=loss.item(), tokens=count))


def record_packed(initial):
    """Three examples in one row: positions restart, attention stays inside a segment, a first token is no target."""
    model = make_model(1)
    generator = torch.Generator().manual_seed(30)
    lengths = [7, 12, 5]
    rows = [torch.randint(1, 97, (n,), generator=generator) for n in lengths]
    apart, count = 0, 0
    for row in rows:
        total, n = summed_loss(model(input_ids=row[None]).logits, row[None])
        apart, count = apart + total, count + n
    apart = apart / count
    apart.backward()
    grads = gradients(model)

    padding = 3
    ids = torch.cat([*rows, torch.zeros(padding, dtype=torch.int64)])[None]
    segments = torch.cat([torch.full((n,), i + 1) for i, n in enumerate([*lengths])] + [torch.zeros(padding, dtype=torch.int64)])[None]
    positions = torch.cat([*[torch.arange(n) for n in lengths], torch.zeros(padding, dtype=torch.int64)])[None]
    labels = torch.where((positions == 0) | (segments == 0), IGNORED, ids)
    allowed = (segments[:, :, None] == segments[:, None, :]) & torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    additive = torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[:, None]
    logits = model(input_ids=ids, attention_mask=additive, position_ids=positions).logits
    total, n = summed_loss(logits, labels)
    assert n == count
    together = total / n
    assert abs(together.item() - apart.item()) < 1e-6 * apart.item(), (together, apart)
    tensors = {**prefixed("gradient", grads), "logits": logits.detach().contiguous(),
               **as_int32(dict(input_ids=ids, labels=labels, segments=segments, position_ids=positions))}
    save("packed", tensors, dict(lengths=lengths, loss=together.item(), loss_apart=apart.item(), tokens=count))


def record_accumulation():
    """Two micro-batches with unequal numbers of learnt tokens: one mean over the tokens of both."""
    model = make_model(1)
    generator = torch.Generator().manual_seed(40)
    micro = [make_batch(generator, rows=2, length=16), make_batch(generator, rows=2, length=16)]
    micro[1]["labels"][0] = IGNORED
    parts = [summed_loss(forward(model, b), b["labels"]) for b in micro]
    count = sum(n for _, n in parts)
    loss = sum(total for total, _ in parts) / count
    loss.backward()
    tensors = {**prefixed("gradient", gradients(model)), **as_int32({k: torch.stack([b[k] for b in micro]) for k in micro[0]})}
    assert parts[0][1] != parts[1][1] and parts[1][1] > 0
    save("accumulation", tensors, dict(loss=loss.item(), tokens=[n for _, n in parts], loss_sums=[t.item() for t, _ in parts]))


@torch.no_grad()
def record_generation():
    """Greedy continuations of the trained model's start (the initial weights of `llama`), each prompt alone."""
    model = make_model(1).eval()
    generator = torch.Generator().manual_seed(52)
    prompts = [torch.randint(1, 97, (n,), generator=generator) for n in (3, 9, 6)]
    cases = []
    for prompt in prompts:
        out = model.generate(prompt[None], attention_mask=torch.ones_like(prompt)[None], do_sample=False, max_new_tokens=32,
                             use_cache=True)[0]
        logits = model(out[None]).logits[0, :-1]
        logp = logits.log_softmax(-1)
        taken = logp.gather(1, out[1:, None])[:, 0][len(prompt) - 1:]
        top = logits.topk(2, -1).values[len(prompt) - 1:]
        cases.append(dict(prompt=prompt.tolist(), tokens=out[len(prompt):].tolist(), logprobs=taken.tolist(),
                          smallest_margin=(top[:, 0] - top[:, 1]).min().item()))
    text = torch.randint(1, 97, (24,), generator=generator)
    given = model(text[None]).logits[0, :-1].log_softmax(-1).gather(1, text[1:, None])[:, 0]
    (DATA / "generation.json").write_text(json.dumps(dict(
        greedy=cases, given=dict(ids=text.tolist(), prompt_length=4, logprobs=given.tolist()[3:])), indent=1) + "\n")
    print("generation", [c["smallest_margin"] for c in cases])


def record_rope():
    shapes = dict(hidden_size=256, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2, vocab_size=97,
                  num_hidden_layers=1, max_position_embeddings=8192)
    kinds = {
        "default": dict(rope_type="default", rope_theta=10000.0),
        "default-100000": dict(rope_type="default", rope_theta=100000.0),
        "linear": dict(rope_type="linear", rope_theta=10000.0, factor=2.5),
        "llama3": dict(rope_type="llama3", rope_theta=500000.0, factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                       original_max_position_embeddings=8192),
        "llama3-tiny": LLAMA3,
    }
    out = []
    for name, rope in kinds.items():
        model = LlamaForCausalLM(LlamaConfig(**shapes, rope_parameters=dict(rope)))
        cos, sin = model.model.rotary_emb(torch.zeros(1), torch.tensor([[0, 1, 7, 1000]]))
        half = cos.shape[-1] // 2
        out.append(dict(name=name, config=config_json(model), inv_freq=model.model.rotary_emb.inv_freq.tolist(),
                        positions=[0, 1, 7, 1000], cos=cos[0, :, :half].tolist(), sin=sin[0, :, :half].tolist()))
    (DATA / "rope.json").write_text(json.dumps(out) + "\n")


def record_formats():
    """Bytes of the safetensors library itself: every type, an empty tensor, a scalar, numbers that are hard to round."""
    hard = [0.0, -0.0, 1.0, -1.5, 65504.0, 6.1e-5, 5.96e-8, 1e-8, 3.3895314e38, 1.17549435e-38, 1.00390625, 1.01171875,
            float("inf"), float("-inf"), 0.1, 1 / 3]
    f32 = torch.tensor(hard)
    tensors = {
        "b.f32": f32, "a.f32": torch.arange(6, dtype=torch.float32).view(2, 3), "half": f32.half(), "brain": f32.bfloat16(),
        "int": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32), "long": torch.tensor([[-1, 2**40]]),
        "byte": torch.tensor([0, 255, 7], dtype=torch.uint8), "flag": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4), "scalar": torch.tensor(2.5),
        "every.half": torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(torch.float16)[::37].contiguous(),
    }
    tensors["half.as.f32"] = tensors["half"].float()
    tensors["brain.as.f32"] = tensors["brain"].float()
    tensors["every.half.as.f32"] = tensors["every.half"].float()
    save_file(tensors, DATA / "formats.safetensors", metadata={"format": "pt"})


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    DATA.mkdir(exist_ok=True)
    initial = record_llama()
    for index, (name, changes) in enumerate(VARIANTS.items()):
        record_variant(index, name, changes)
    record_packed(initial)
    record_accumulation()
    record_generation()
    record_rope()
    record_formats()
    print("bytes", sum(f.stat().st_size for f in DATA.iterdir()))


if __name__ == "__main__":
    main()
