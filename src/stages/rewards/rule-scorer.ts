import { UserError } from '../../config/errors';
import { Rule, type RuleInput } from './rule';

/** A rule that breaks its limits more often than this is given up: each time costs a second or an engine. */
const MOST_BREACHES = 10;

/** A rule over many answers: where it fails on one, that one has no score, and the failure is counted. */
export class RuleScorer {
  failures = 0;
  /** What it failed of first. */
  first: UserError | undefined;
  /** What it failed of last. */
  last: UserError | undefined;
  private breaches = 0;

  private constructor(private rule: Rule) {}

  /** Throws a UserError for a rule that cannot be loaded. */
  static async open(file: string): Promise<RuleScorer> {
    return new RuleScorer(await Rule.load(file));
  }

  /** The rule's number, or null where it fails. Throws a UserError once it has broken its limits too often. */
  async score(input: RuleInput): Promise<number | null> {
    try {
      return this.rule.reward(input);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.failures++;
      this.first ??= error;
      this.last = error;
      if (error.code === 'rule-limit') {
        if (++this.breaches > MOST_BREACHES) throw error;
        this.rule.release();
        this.rule = await Rule.load(this.rule.file);
      }
      return null;
    }
  }

  release(): void {
    this.rule.release();
  }
}
