"""Proves that transformers opens what our writer writes, and records what it makes of it.

    pip install torch==2.13.0 transformers==5.24.0 tokenizers==0.23.3 safetensors==0.8.0
    npm ci && python test/golden/check_checkpoint.py

Our writer (src/models/checkpoint.ts) writes a folder; AutoModelForCausalLM and AutoTokenizer open it as it is. Into
data/checkpoint.json go the hashes of the files, so that the test knows by writing them again that it is this
folder that transformers opened; token ids of texts; and greedy continuations. data/checkpoint.safetensors has the
logits. data/tokenizer/ is a small byte-level BPE tokenizer made here when it is not there.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TOKENIZER = HERE / "data" / "tokenizer"
SPECIAL = ["<|endoftext|>", "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"]
TEMPLATE = (
    "{%- for message in messages -%}{{ '<|' + message.role + '|>' + message.content }}"
    "{%- if message.role == 'assistant' -%}<|end|>{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)
TEXTS = [
    "The lighthouse of Varn was built in 1874.",
    "Grüße, naïve café — 東京 🙂\n\n  two  spaces\tand a tab",
    "<|user|>What is 12 + 30?<|assistant|>42<|end|>",
]
MESSAGES = [
    {"role": "user", "content": "What is 12 + 30?"},
    {"role": "assistant", "content": "42"},
    {"role": "user", "content": "And who built Varn?"},
]


def make_tokenizer():
    corpus = [f"The lighthouse number {i} was built in {1800 + i}. What is {i} + {i}? It is {2 * i}." for i in range(50)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=380, special_tokens=SPECIAL, initial_alphabet=alphabet))
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=SPECIAL[0], pad_token=SPECIAL[1])
    wrapped.chat_template = TEMPLATE
    wrapped.save_pretrained(TOKENIZER)


def main():
    torch.set_num_threads(1)
    if not TOKENIZER.exists():
        make_tokenizer()
    with tempfile.TemporaryDirectory() as scratch:
        script, folder = Path(scratch) / "write.mjs", Path(scratch) / "model"
        bundle = ["npx", "esbuild", "test/golden/write-checkpoint.ts", "--bundle", "--platform=node", "--format=esm", "--log-level=error"]
        subprocess.run([*bundle, f"--outfile={script}"], cwd=ROOT, check=True)
        written = subprocess.run(["node", script, folder, TOKENIZER], check=True, capture_output=True, text=True)

        model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, attn_implementation="eager")
        assert not any(info.values()), info
        assert model.dtype == torch.float32
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert tokenizer.chat_template == TEMPLATE

        texts = [dict(text=text, ids=tokenizer(text, add_special_tokens=False)["input_ids"]) for text in TEXTS]
        for case in texts:
            assert tokenizer.decode(case["ids"]) == case["text"]
        chat = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True, tokenize=False)
        ids = tokenizer(chat, add_special_tokens=False, return_tensors="pt")
        with torch.no_grad():
            logits = model(**ids).logits
            out = model.generate(**ids, do_sample=False, max_new_tokens=24)[0, ids["input_ids"].shape[1]:]
        values = dict(
            files=json.loads(written.stdout),
            texts=texts,
            messages=MESSAGES,
            chat=chat,
            chat_ids=ids["input_ids"][0].tolist(),
            # generate() stops at the tokens that generation_config.json names.
            stop_ids=model.generation_config.eos_token_id,
            greedy=out.tolist(),
            parameters=model.num_parameters(),
            made_with=dict(torch=torch.__version__, transformers=transformers.__version__),
        )
        save_file({"logits": logits.contiguous()}, HERE / "data" / "checkpoint.safetensors", metadata={"format": "pt"})
        (HERE / "data" / "checkpoint.safetensors").chmod(0o644)
        (HERE / "data" / "checkpoint.json").write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
        print(json.dumps(values["files"], indent=1), values["greedy"])


if __name__ == "__main__":
    main()
