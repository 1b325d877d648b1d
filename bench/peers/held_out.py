"""The held-out loss of a saved model by transformers: mean over all assistant tokens. Prints one line of JSON."""

from measure import parser, prepare, report
from sft import held_out_loss, read_rows


def main():
    p = parser(__doc__)
    p.add_argument("--model", required=True, help="a model folder with weights, tokenizer and chat template")
    p.add_argument("--held-out", required=True, help="JSONL with messages, or prompt and completion as messages")
    p.add_argument("--max-length", type=int, default=1024)
    p.add_argument("--batch-size", type=int, default=32)
    args = p.parse_args()

    torch = prepare(args.threads, args.seed)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    loss, tokens = held_out_loss(torch, model, tokenizer, read_rows(args.held_out), args.max_length, args.batch_size)
    report(what="held_out", model=args.model, held_out_loss=loss, held_out_tokens=tokens)


if __name__ == "__main__":
    main()
