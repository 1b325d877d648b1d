"""A Llama of few lines that runs in any precision.

transformers' Llama casts to float32 inside (RMSNorm, softmax), so it cannot say what its own float32 rounding costs.
This one can: make.py first checks that it agrees with transformers in float32, then runs it in float64.
"""

import torch
import torch.nn.functional as F


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


def rms_norm(x, weight, eps):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def logits(weights, config, inv_freq, ids, positions, allowed):
    """ids, positions [B, T]; allowed [B, T, T], true where a query (row) may look at a key (column) -> [B, T, vocab]"""
    w, c = weights, config
    batch, length = ids.shape
    angle = positions[..., None].float() * inv_freq
    angle = torch.cat((angle, angle), dim=-1).to(w["model.norm.weight"].dtype)[:, None]
    cos, sin = angle.cos(), angle.sin()

    def linear(x, name):
        return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))

    def split(x):
        return x.view(batch, length, -1, c.head_dim).transpose(1, 2)

    x = F.embedding(ids, w["model.embed_tokens.weight"])
    for i in range(c.num_hidden_layers):
        name = f"model.layers.{i}"
        h = rms_norm(x, w[f"{name}.input_layernorm.weight"], c.rms_norm_eps)
        q = rotate(split(linear(h, f"{name}.self_attn.q_proj")), cos, sin)
        k = rotate(split(linear(h, f"{name}.self_attn.k_proj")), cos, sin)
        v = split(linear(h, f"{name}.self_attn.v_proj"))
        group = c.num_attention_heads // c.num_key_value_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        score = q @ k.transpose(2, 3) * c.head_dim**-0.5
        score = score.masked_fill(~allowed[:, None], torch.finfo(score.dtype).min)
        mixed = (score.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, -1)
        x = x + linear(mixed, f"{name}.self_attn.o_proj")
        h = rms_norm(x, w[f"{name}.post_attention_layernorm.weight"], c.rms_norm_eps)
        h = F.silu(linear(h, f"{name}.mlp.gate_proj")) * linear(h, f"{name}.mlp.up_proj")
        x = x + linear(h, f"{name}.mlp.down_proj")
    x = rms_norm(x, w["model.norm.weight"], c.rms_norm_eps)
    return F.linear(x, w["model.embed_tokens.weight" if c.tie_word_embeddings else "lm_head.weight"])
