import type { Report } from '../report';
import type { Tree } from '../tree';

/** A stage that takes another's result, and where it says so. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly tree: Tree;
  readonly path: readonly string[];
}

/** Reports every reference that closes a circle, found by a walk in the order of the file. */
export function checkCycles(edges: readonly Edge[], report: Report): void {
  const byStage = new Map<string, Edge[]>();
  for (const edge of edges) byStage.set(edge.from, [...(byStage.get(edge.from) ?? []), edge]);
  const done = new Set<string>();
  const visit = (stage: string, way: readonly string[]) => {
    const closed = new Set<string>();
    for (const edge of byStage.get(stage) ?? []) {
      const from = way.indexOf(edge.to);
      if (from !== -1) {
        if (!closed.has(edge.to)) closes(edge, way.slice(from), report);
        closed.add(edge.to);
      } else if (!done.has(edge.to)) visit(edge.to, [...way, edge.to]);
    }
    done.add(stage);
  };
  for (const stage of byStage.keys()) if (!done.has(stage)) visit(stage, [stage]);
}

function closes({ to, tree, path }: Edge, cycle: readonly string[], report: Report): void {
  const field = `\`${path.join('.')}\``;
  const arrows = [...cycle, to].map((name) => `\`${name}\``).join(' → ');
  const start = path.at(-1) === 'model';
  const hint = start
    ? 'Let one of them start from a folder such as `./model`.'
    : 'Name a folder in one of them, such as `./model`, or another stage.';
  const message =
    cycle.length === 1
      ? `${field}: a stage cannot ${start ? 'start from' : 'take'} its own result.`
      : `${field} closes a circle: ${arrows}, each ${start ? 'starting from' : 'taking a result of'} the next.`;
  report.add(tree, { code: 'cycle', message, hint, path });
}
