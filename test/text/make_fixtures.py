"""Records what Hugging Face's Python libraries do with tokenizers and chat templates, for the tests in this folder.

Run by hand when the cases change: python make_fixtures.py [FOLDER], with tokenizers 0.23 and transformers 5.24.
FOLDER is a tokenizer written by our writeBpe; the script then checks that Python reads it as we do (node prints its ids).
The tests themselves need no Python.
"""

import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent / "fixtures"
CONTROL = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>", "<s>"]

WORDS = (
    "the a of and to in is was for it on as with at by from that this be are she he they we "
    "river stone lamp garden winter letter bread window harbour silver copper music road bridge "
    "don't it's we'll they've I'm you're he'd 12 7 2024 3.14 naïve café Straße Ærø 東京 こんにちは привет мир"
).split()


def corpus():
    rng = random.Random(7)
    lines = []
    for _ in range(1500):
        words = [rng.choice(WORDS) for _ in range(rng.randint(3, 14))]
        lines.append(" ".join(words).capitalize() + rng.choice([".", "!", "?", "...", ";", ""]))
    return "\n".join(lines) + "\n"


def texts():
    """Strings to encode: hand-made corners, then random ones."""
    hard = [
        "", " ", "  ", "\n", "\n\n  \n", "a", " a", "a ", "Hello world", "  two  spaces  ", "tab\tand\r\nline",
        "don't DON'T we'll WE'LL", "x=3.14159;y=-2e10", "naïve café", "e\u0301 é", "東京タワー", "🙂👩‍👩‍👧‍👦🏳️‍🌈", "a\u0085b \u0085 c",
        "a\ufeffb \ufeff c", "a\u00a0b \u00a0c", "a\u200bb", "a\u2028b", "\u3000wide\u3000", "١٢٣ ४५६ Ⅷ ½ ²", "\u0000\u0001\u007f",
        "<|user|>", "hi<|end|>there", "<|us<|end|>er|>", "<|end|><|end|> <|end|>", "<s>x", "< |end| >", "<|END|>",
        "a" * 300, " " * 50 + "x", "ﬁ ﬀ Å", "नमस्ते", "שלום", "مرحبا", "\U0001f600" * 5, "𝔘𝔫𝔦", "a\u0300\u0301\u0302",
    ]
    rng = random.Random(11)
    ranges = [(32, 126)] * 6 + [(9, 13), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x4E00, 0x4FFF), (0x1F600, 0x1F64F), (0x2000, 0x200F)]
    for _ in range(150):
        parts = []
        for _ in range(rng.randint(1, 25)):
            if rng.random() < 0.3:
                parts.append(rng.choice(WORDS + CONTROL + [" ", "\n"]))
            else:
                low, high = rng.choice(ranges)
                parts.append(chr(rng.randint(low, high)))
        hard.append("".join(parts))
    return hard


def byte_level(control):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, trainers.BpeTrainer(
        vocab_size=700, min_frequency=2, special_tokens=control, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )


def split_level(control):
    """Words by a pattern of its own, as in Llama 3 and Qwen, digits in threes, BOS by the post-processor."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, trainers.BpeTrainer(
        vocab_size=700, min_frequency=2, special_tokens=control, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )


def sentence_piece(control):
    """As Llama 2 and Gemma: blanks become a letter, unknown characters become bytes (see with_bytes)."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer, trainers.BpeTrainer(
        vocab_size=600, min_frequency=2, show_progress=False, max_token_length=12, special_tokens=["<unk>"] + control
    )


def with_bytes(tokenizer):
    """Adds the 256 byte tokens to the vocabulary, as plain tokens."""
    state = json.loads(tokenizer.to_str())
    vocab = state["model"]["vocab"]
    for i in range(256):
        vocab[f"<0x{i:02X}>"] = len(vocab)
    return Tokenizer.from_str(json.dumps(state))


def record_tokenizer(name, make, text):
    tokenizer, trainer = make(CONTROL)
    tokenizer.train_from_iterator([text] if name == "byte-level" else text.split("\n"), trainer)
    if name == "sentence-piece":
        tokenizer = with_bytes(tokenizer)
    if name == "split":
        tokenizer.add_tokens([AddedToken("<think>", special=False, normalized=False)])
        bos = tokenizer.token_to_id("<s>")
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", bos)])
    folder = HERE / name
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", bos_token="<s>", pad_token="<|end|>", clean_up_tokenization_spaces=False
    )
    fast.save_pretrained(folder)
    cases = []
    for case in texts():
        ids = tokenizer.encode(case, add_special_tokens=False).ids
        cases.append({
            "text": case,
            "ids": ids,
            "with_special": tokenizer.encode(case).ids,
            "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "skipped": tokenizer.decode(ids, skip_special_tokens=True),
        })
    (folder / "cases.json").write_text(json.dumps(cases, ensure_ascii=True, indent=0) + "\n")
    return fast


CHATML = """{%- for message in messages %}
{{- '<|' + message.role + '|>' }}
{%- if message.role == 'assistant' %}
{%- generation %}{{ ' ' + message.content + '<|end|>' }}{% endgeneration %}
{%- else %}
{{- ' ' + message.content + '<|end|>' }}
{%- endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}
"""

BRACKETS = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] | trim + '\\n\\n' %}{% set rest = messages[1:] %}{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}
{%- for message in rest %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate user and assistant') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- '[ASK] ' + (system if loop.first else '') + message['content'] | trim + ' [/ASK]' }}
    {%- else %}
{% generation %}
{{ ' ' + message['content'] | trim + ' ' + eos_token }}
{% endgeneration %}
    {%- endif %}
{%- endfor %}
"""

HEADERS = """{{- bos_token }}
{%- for message in messages -%}
    {%- set header = '<|' ~ message.role ~ '|>\\n\\n' -%}
    {{- header -}}
    {%- if message.role == "assistant" -%}
        {%- generation -%}
        {{- message.content.strip() -}}<|end|>
        {%- endgeneration -%}
    {%- else -%}
        {{- message.content.strip() }}<|end|>
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>

{% endif %}
"""

CONVERSATIONS = [
    [["user", "Hello there"], ["assistant", "Good morning"]],
    [["system", "Be kind."], ["user", "  Who is it?  "], ["assistant", " It's me. "], ["user", "don't\nlie"], ["assistant", "we'll see\n\nthe river"]],
    [["user", "東京 🙂"], ["assistant", "naïve café\u0301 12345"]],
    [["user", "a"], ["assistant", ""]],
    [["user", "list"], ["assistant", "- one\n- two\n"], ["user", "more"], ["assistant", "{'x': 1}"], ["user", "x"], ["assistant", "..."]],
]


def record_templates(tokenizers):
    cases = []
    for name, template in [("chatml", CHATML), ("brackets", BRACKETS), ("headers", HEADERS)]:
        for kind, tokenizer in tokenizers.items():
            for conversation in CONVERSATIONS:
                messages = [{"role": role, "content": content} for role, content in conversation]
                whole = tokenizer.apply_chat_template(
                    messages, chat_template=template, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
                )
                asked = tokenizer.apply_chat_template(messages[:-1], chat_template=template, tokenize=True, add_generation_prompt=True)
                cases.append({
                    "template": name,
                    "tokenizer": kind,
                    "messages": messages,
                    "text": tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False),
                    "ids": whole["input_ids"],
                    "mask": whole["assistant_masks"],
                    "prompt_ids": asked if isinstance(asked, list) else asked["input_ids"],
                })
        (HERE / f"{name}.jinja").write_text(template)
    (HERE / "templates.json").write_text(json.dumps(cases, ensure_ascii=True, indent=0) + "\n")


def check_written(folder):
    """Ids of our own tokenizer files by AutoTokenizer and by the tokenizers library, against ids.json written by us."""
    from transformers import AutoTokenizer

    auto = AutoTokenizer.from_pretrained(folder)
    bare = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
    expected = json.loads((pathlib.Path(folder) / "ids.json").read_text())
    for text, ids in expected:
        assert auto(text)["input_ids"] == ids, (text, auto(text)["input_ids"], ids)
        assert bare.encode(text).ids == ids, text
    print(f"{type(auto).__name__}: {len(expected)} texts, equal ids; eos {auto.eos_token_id}, chat template {bool(auto.chat_template)}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        check_written(sys.argv[1])
    else:
        HERE.mkdir(exist_ok=True)
        text = corpus()
        (HERE / "corpus.txt").write_text(text)
        makers = {"byte-level": byte_level, "split": split_level, "sentence-piece": sentence_piece}
        record_templates({name: record_tokenizer(name, make, text) for name, make in makers.items()})
