"""transformers' generate: greedy, float32 on the CPU, KV cache. Prints one line of JSON with the median of the runs."""

import statistics
import time

from measure import SHAPES, make_model, parser, prepare, report


def main():
    p = parser(__doc__)
    p.add_argument("--shape", choices=SHAPES, default="2.8m", help="a random model of this shape")
    p.add_argument("--model", help="a model folder instead of a shape")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--new-tokens", type=int, default=128)
    p.add_argument("--prompt-length", type=int, default=2)
    p.add_argument("--cache", choices=["dynamic", "static"], default="dynamic", help="transformers' kind of cache")
    p.add_argument("--warmup", type=int, default=1, help="runs before the clock runs")
    p.add_argument("--runs", type=int, default=3)
    args = p.parse_args()

    torch = prepare(args.threads, args.seed)
    if args.model:
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    else:
        model = make_model(args.shape)
    model.eval()
    ids = torch.randint(0, model.config.vocab_size, (args.batch, args.prompt_length))
    # No end token: every row makes all its tokens.
    options = dict(attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=args.new_tokens,
                   min_new_tokens=args.new_tokens, eos_token_id=None, pad_token_id=0)
    if args.cache == "static":
        options["cache_implementation"] = "static"

    seconds = []
    with torch.inference_mode():
        for _ in range(args.warmup + args.runs):
            start = time.perf_counter()
            out = model.generate(ids, **options)
            seconds.append(time.perf_counter() - start)
            assert out.shape == (args.batch, args.prompt_length + args.new_tokens), out.shape
    measured = seconds[args.warmup:]
    median = statistics.median(measured)
    report(what="generate", shape=args.model or args.shape, threads=args.threads, batch=args.batch, cache=args.cache,
           new_tokens=args.new_tokens, prompt_length=args.prompt_length, parameters=model.num_parameters(), seconds=median,
           runs=measured, tokens_per_second=args.batch * args.new_tokens / median)


if __name__ == "__main__":
    main()
