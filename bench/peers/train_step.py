"""Training steps of transformers' Llama: forward, backward, clipping, fused AdamW; float32 on the CPU, every position
learnt. Prints one line of JSON with the median step."""

import statistics
import time

from measure import BATCHES, SHAPES, make_model, parameter_groups, parser, prepare, report, resident_bytes


def main():
    p = parser(__doc__)
    p.add_argument("--shape", choices=SHAPES, default="2.8m")
    p.add_argument("--mode", choices=["eager", "compile"], default="eager", help="as written, or through torch.compile")
    p.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa", help="transformers' attention; sdpa is the faster")
    p.add_argument("--batch", type=int, help="rows a step; default: that of the shape")
    p.add_argument("--length", type=int, help="tokens a row; default: that of the shape")
    p.add_argument("--warmup", type=int, default=3, help="steps before the clock runs")
    p.add_argument("--steps", type=int, default=10)
    p.add_argument("--clip", type=float, default=1.0, help="global norm; 0 for none")
    args = p.parse_args()
    rows, length = args.batch or BATCHES[args.shape][0], args.length or BATCHES[args.shape][1]

    torch = prepare(args.threads, args.seed)
    start_bytes = resident_bytes()
    model = make_model(args.shape, attention=args.attention).train()
    forward = torch.compile(model) if args.mode == "compile" else model
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.01), lr=1e-4, fused=True)
    batches = torch.randint(0, model.config.vocab_size, (args.warmup + args.steps, rows, length))

    seconds = []
    for ids in batches:
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = forward(input_ids=ids, labels=ids).loss
        loss.backward()
        if args.clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        value = loss.item()
        seconds.append(time.perf_counter() - start)
    measured = seconds[args.warmup:]
    median = statistics.median(measured)
    report(what="train_step", shape=args.shape, mode=args.mode, attention=args.attention, threads=args.threads, batch=rows,
           length=length, parameters=model.num_parameters(), step_ms=median * 1e3, steps_ms=[s * 1e3 for s in measured],
           first_step_ms=seconds[0] * 1e3, tokens_per_second=rows * length / median, start_bytes=start_bytes, loss=value)


if __name__ == "__main__":
    main()
