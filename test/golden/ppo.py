"""Records one update of PPO, and losses and gradients of GRPO and RLOO, from given rollouts. Tests need no Python.

    pip install torch==2.13.0 transformers==5.24.0 trl==1.16.0 safetensors==0.8.0
    python test/golden/ppo.py [FOLDER of an unpacked trl 1.12.0]

The policy starts from the weights of `llama` (make.py). PPO is written out here, since TRL dropped it after 1.12; where
ours differs from it on purpose is marked "differs". Given the folder, PPO's whitening is that of TRL 1.12 itself. GRPO
and RLOO are TRL's own `_compute_loss`, run on a stand-in for its trainer that holds only what the loss reads.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

DATA = Path(__file__).parent / "data"
TEMPERATURE, BETA, GAMMA, LAMBDA, CLIP, VALUE_CLIP, VALUE_COEF, ENTROPY_COEF, PENALTY = 0.7, 0.1, 0.98, 0.95, 0.2, 0.2, 0.1, 0.01, 0.5
RATE, MAX_NORM, GAIN = 1e-3, 1.0, 10
EPOCHS, MINI = 2, 2


def policy():
    config = json.loads((DATA / "llama.json").read_text())["config"]
    model = LlamaForCausalLM(LlamaConfig(**config, attn_implementation="eager")).to(torch.get_default_dtype())
    state = {k[len("initial/"):]: v for k, v in load_file(DATA / "llama.safetensors").items() if k.startswith("initial/")}
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    return model


def tokens(model, row, temperature=TEMPERATURE):
    """Hidden states before the answer's tokens [T, hidden], their log-probabilities [T] and entropies [T]."""
    ids = torch.tensor([row["prompt"] + row["answer"]])
    out = model.model(input_ids=ids)
    hidden = out.last_hidden_state[0, len(row["prompt"]) - 1 : -1]
    logits = model.lm_head(hidden) / temperature
    logp = F.log_softmax(logits, -1)
    entropy = torch.logsumexp(logits, -1) - (logits.softmax(-1) * logits).sum(-1)
    return hidden, logp.gather(-1, torch.tensor(row["answer"])[:, None])[:, 0], entropy


def head_value(head, hidden):
    inner = torch.tanh(hidden @ head["dense.weight"].T + head["dense.bias"])
    return GAIN * (inner @ head["out.weight"].T + head["out.bias"])[:, 0]


def whiten(values, mean_too=True):
    flat = torch.cat(values)
    mean, var = flat.mean(), flat.var()  # with n - 1
    return [(v - mean) * torch.rsqrt(var + 1e-8) + (0 if mean_too else mean) for v in values]


def make_rows(model, generator):
    """Twelve answers, three to each of four prompts; the policy has moved a little since it wrote them."""
    rows = []
    with torch.no_grad():
        for group in range(4):
            prompt = torch.randint(3, 97, (int(torch.randint(2, 9, (), generator=generator)),), generator=generator).tolist()
            for _ in range(3):
                length = int(torch.randint(1, 11, (), generator=generator))
                answer = torch.randint(3, 97, (length,), generator=generator).tolist()
                row = dict(group=group, prompt=prompt, answer=answer, score=float(torch.randn((), generator=generator)),
                           finish="stop" if torch.rand((), generator=generator) < 0.7 else "length")
                logp = tokens(model, row)[1]
                row["old"] = (logp + 0.2 * torch.randn(length, generator=generator)).tolist()
                row["reference"] = (logp + 0.3 * torch.randn(length, generator=generator)).tolist()
                row["values"] = (0.5 * torch.randn(length, generator=generator)).tolist()
                rows.append(row)
    return rows


def ppo_targets(rows, whiten_rewards):
    rewards = []
    for row in rows:
        old, ref = torch.tensor(row["old"]), torch.tensor(row["reference"])
        r = -BETA * (old - ref)
        # differs: TRL adds the score at the first place behind the end where there is one; ours at the last token
        r[-1] += row["score"] - (PENALTY if row["finish"] == "length" else 0)
        rewards.append(r)
    if whiten_rewards:
        rewards = whiten(rewards, mean_too=False)
    advantages, returns = [], []
    for row, r in zip(rows, rewards):
        v = torch.tensor(row["values"])
        a, last = torch.zeros_like(r), 0.0
        for t in reversed(range(len(r))):
            last = r[t] + GAMMA * (v[t + 1] if t + 1 < len(r) else 0.0) - v[t] + GAMMA * LAMBDA * last
            a[t] = last
        advantages.append(a)
        returns.append(a + v)
    return whiten(advantages), returns


def ppo_loss(model, head, rows, advantages, returns):
    """Means over the answer tokens of the mini-batch. differs: TRL's are over its padded width in part."""
    parts = defaultdict(list)
    for row, adv, ret in zip(rows, advantages, returns):
        hidden, logp, entropy = tokens(model, row)
        diff = logp - torch.tensor(row["old"])
        ratio = diff.exp()
        old = torch.tensor(row["values"])
        v = head_value(head, hidden.detach())  # differs: TRL's critic is a model of its own
        clipped = torch.clamp(v, old - VALUE_CLIP, old + VALUE_CLIP)
        l1, l2 = -adv * ratio, -adv * torch.clamp(ratio, 1 - CLIP, 1 + CLIP)
        v1, v2 = (v - ret) ** 2, (clipped - ret) ** 2
        for name, value in dict(policy=torch.max(l1, l2), policy_clipped=(l2 > l1).float(), value=0.5 * torch.max(v1, v2),
                                value_clipped=(v2 > v1).float(), log_ratio_square=diff**2, entropy=entropy, ratio=ratio).items():
            parts[name].append(value)
    means = {name: torch.cat(values).mean() for name, values in parts.items()}
    loss = means["policy"] + VALUE_COEF * means["value"] - ENTROPY_COEF * means["entropy"]
    return loss, means


def record_ppo(rows, head0):
    model = policy()
    head = {name: p.to(torch.get_default_dtype()).clone().requires_grad_() for name, p in head0.items()}
    advantages, returns = ppo_targets(rows, False)
    whitened, _ = ppo_targets(rows, True)
    generator = torch.Generator().manual_seed(3)
    parameters = list(model.parameters()) + list(head.values())
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    steps, first = [], None
    for _ in range(EPOCHS):
        order = torch.randperm(len(rows), generator=generator).tolist()
        size = len(rows) // MINI
        for at in range(0, len(rows), size):
            part = order[at : at + size]
            optimizer.zero_grad()
            pick = lambda values: [values[i] for i in part]
            loss, means = ppo_loss(model, head, pick(rows), pick(advantages), pick(returns))
            loss.backward()
            if first is None:
                first = {n: p.grad.clone() for n, p in model.named_parameters()} | {f"value.{n}": p.grad.clone() for n, p in head.items()}
            norm = torch.nn.utils.clip_grad_norm_(parameters, MAX_NORM)
            optimizer.step()
            steps.append(dict(rows=part, loss=loss.item(), grad_norm=norm.item(), **{n: m.item() for n, m in means.items()}))
    final = {n: p.detach().clone() for n, p in model.named_parameters()} | {f"value.{n}": p.detach() for n, p in head.items()}
    values = dict(advantages=[a.tolist() for a in advantages], returns=[r.tolist() for r in returns],
                  advantages_of_whitened_rewards=[a.tolist() for a in whitened], steps=steps)
    return values, {f"ppo/first/{k}": v for k, v in first.items()} | {f"ppo/final/{k}": v for k, v in final.items()}


class Alone:
    """An accelerator of one process."""

    num_processes = 1
    process_index = 0
    sync_gradients = True

    def gather(self, x):
        return x

    gather_for_metrics = gather

    def reduce(self, x, reduction):
        return x


def padded(rows, key, fill=0.0, left=False):
    width = max(len(r[key]) for r in rows)
    pad = lambda r: [fill] * (width - len(r[key]))
    return torch.tensor([pad(r) + r[key] if left else r[key] + pad(r) for r in rows])


def trl_loss(trainer_class, rows, advantages, settings):
    """TRL's own loss of all rows as one mini-batch, and its gradients and metrics."""
    model = policy()

    def logps(self, model, ids, mask, keep, **_):
        logits = model(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(-1) - 1).clamp(min=0)).logits
        logits = logits[:, -keep - 1 : -1] / TEMPERATURE
        logp = F.log_softmax(logits, -1).gather(-1, ids[:, -keep:, None])[..., 0]
        return logp, torch.logsumexp(logits, -1) - (logits.softmax(-1) * logits).sum(-1), None

    ones = [dict(p=[1] * len(r["prompt"]), c=[1] * len(r["answer"])) for r in rows]
    mask = padded(ones, "c", 0)
    old = padded(rows, "old")
    stub = SimpleNamespace(
        model=model.train(),
        accelerator=Alone(), args=SimpleNamespace(use_bias_correction_kl=True, delta=None, steps_per_generation=1),
        top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level="token", use_vllm=False,
        aux_loss_enabled=False, _entropy_bonus_enabled=False, current_gradient_accumulation_steps=1,
        _metrics=defaultdict(lambda: defaultdict(list)), epsilon_low=CLIP, **settings)
    stub._get_per_token_logps_and_entropies = logps.__get__(stub)
    inputs = dict(prompt_ids=padded(rows, "prompt", 0, True), prompt_mask=padded(ones, "p", 0, True),
                  completion_ids=padded(rows, "answer", 0), completion_mask=mask, advantages=torch.tensor(advantages),
                  old_per_token_logps=old, old_logps=(old * mask).sum(1), ref_per_token_logps=padded(rows, "reference"),
                  num_items_in_batch=mask.sum())

    loss = trainer_class._compute_loss(stub, model, inputs)
    loss.backward()
    grads = {n: p.grad.clone() for n, p in model.named_parameters()}
    metrics = {name: values[-1] for name, values in stub._metrics["train"].items()}
    return dict(loss=loss.item(), metrics=metrics), grads


def record_groups(rows):
    from trl import GRPOTrainer, RLOOTrainer

    values, tensors = {}, {}
    scores = torch.tensor([r["score"] - (PENALTY if r["finish"] == "length" else 0) for r in rows])
    groups = scores.view(-1, 3)
    advantages = ((groups - groups.mean(1, keepdim=True)) / (groups.std(1, keepdim=True) + 1e-4)).flatten().tolist()
    for name, loss_type, high in (("dapo", "dapo", 0.28), ("grpo", "grpo", CLIP), ("dr_grpo", "dr_grpo", CLIP)):
        settings = dict(beta=BETA, loss_type=loss_type, epsilon_high=high, max_completion_length=12)
        result, grads = trl_loss(GRPOTrainer, rows, advantages, settings)
        values[name] = dict(result, advantages=advantages)
        if name == "dapo":
            tensors |= {f"grpo/{k}": v for k, v in grads.items()}
    kl = torch.tensor([sum(o - r for o, r in zip(row["old"], row["reference"])) for row in rows])
    groups = (scores - BETA * kl).view(-1, 3)
    advantages = (groups - (groups.sum(1, keepdim=True) - groups) / 2).flatten().tolist()
    result, grads = trl_loss(RLOOTrainer, rows, advantages, dict(epsilon_high=CLIP))
    values["rloo"] = dict(result, advantages=advantages)
    return values, tensors | {f"rloo/{k}": v for k, v in grads.items()}


def check_trl_whitening(folder, rows):
    """TRL 1.12's masked whitening on padded rows is ours on the tokens."""
    sys.path.insert(0, folder)
    source = (Path(folder) / "trl/experimental/ppo/ppo_trainer.py").read_text()
    scope = dict(torch=torch)
    for name in ("masked_mean", "masked_var", "masked_whiten"):
        start = source.index(f"def {name}(")
        exec(source[start : source.index("\n\n\n", start)], scope)
    values, mask = padded(rows, "values"), padded([dict(m=[1] * len(r["values"])) for r in rows], "m", 0).bool()
    theirs = scope["masked_whiten"](values, mask)[mask]
    ours = torch.cat(whiten([torch.tensor(r["values"]) for r in rows]))
    assert (theirs - ours).abs().max() < 1e-5, (theirs - ours).abs().max()
    print("whitening agrees with TRL 1.12")


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(11)
    rows = make_rows(policy(), generator)
    draw = lambda *shape: torch.randn(shape, generator=generator) / 8
    head = {"dense.weight": draw(32, 32), "dense.bias": draw(32), "out.weight": draw(1, 32) / 4, "out.bias": draw(1) / 4}
    ppo, tensors = record_ppo(rows, head)
    groups, more = record_groups(rows)
    # the reference's own noise: Adam makes whole steps of gradients that are little more than rounding
    torch.set_default_dtype(torch.float64)
    exact = record_ppo(rows, head)[1]
    torch.set_default_dtype(torch.float32)
    ppo["noise"] = max(((tensors[k] - v).abs().max() / v.abs().max()).item() for k, v in exact.items() if "/final/" in k)
    settings = dict(temperature=TEMPERATURE, kl_penalty=BETA, gamma=GAMMA, clip_range=CLIP, value_clip_range=VALUE_CLIP,
                    value_coef=VALUE_COEF, entropy_coef=ENTROPY_COEF, missing_eos_penalty=PENALTY, learning_rate=RATE,
                    max_grad_norm=MAX_NORM) | {"lambda": LAMBDA}
    save_file({k: v.contiguous() for k, v in (tensors | more | {f"head/{k}": v for k, v in head.items()}).items()},
              DATA / "ppo.safetensors", metadata={"format": "pt"})
    (DATA / "ppo.json").write_text(json.dumps(dict(settings=settings, rows=rows, ppo=ppo, groups=groups), indent=1, sort_keys=True) + "\n")
    for step in ppo["steps"]:
        print({k: round(v, 5) for k, v in step.items() if k != "rows"})
    print({k: (v["loss"], v["metrics"]) for k, v in groups.items()})
    if len(sys.argv) > 1:
        check_trl_whitening(sys.argv[1], rows)


if __name__ == "__main__":
    main()
