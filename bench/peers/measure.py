"""What the peer scripts share: the shapes that are measured, random models, memory, and the one line of JSON."""

import argparse
import json
import os
import platform
import sys
import time

import psutil

SHAPES = {
    "tiny": dict(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                 num_key_value_heads=1),
    "2.8m": dict(vocab_size=2048, hidden_size=192, intermediate_size=512, num_hidden_layers=6, num_attention_heads=6,
                 num_key_value_heads=2),
    "135m": dict(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                 num_key_value_heads=3),
}
# Rows × tokens of a training step where the caller names none.
BATCHES = {"tiny": (2, 8), "2.8m": (16, 128), "135m": (2, 256)}


def parser(description):
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--threads", type=int, default=2, help="threads of PyTorch")
    p.add_argument("--seed", type=int, default=42)
    return p


def prepare(threads, seed):
    """Import of torch is slow, so it happens after --help."""
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch
    import transformers

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    transformers.logging.set_verbosity_error()
    return torch


def make_model(shape, max_positions=2048, attention="sdpa"):
    """A Llama of a shape with random weights, float32."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**SHAPES[shape], max_position_embeddings=max_positions, rms_norm_eps=1e-5,
                         tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=None,
                         attn_implementation=attention)
    return LlamaForCausalLM(config).float()


def parameter_groups(model, weight_decay):
    """No decay on norms and biases."""
    named = [p for p in model.parameters() if p.requires_grad]
    return [dict(params=[p for p in named if p.ndim >= 2], weight_decay=weight_decay),
            dict(params=[p for p in named if p.ndim < 2], weight_decay=0.0)]


def peak_bytes():
    """Peak resident size of this process; null where the system does not tell."""
    try:
        import resource
    except ImportError:
        return getattr(psutil.Process().memory_info(), "peak_wset", None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def resident_bytes():
    return psutil.Process().memory_info().rss


def since_process_start():
    return time.time() - psutil.Process().create_time()


def versions():
    import torch
    import transformers

    return dict(python=platform.python_version(), torch=torch.__version__, transformers=transformers.__version__)


def report(**values):
    """The result: one line on stdout; all else goes to stderr."""
    print(json.dumps(dict(**values, peak_bytes=peak_bytes(), versions=versions())), flush=True)
