import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replaceFile } from '../../src/runs/files';
import { isMetricsRow, type MetricsRow } from '../../src/runs/format';
import { JsonlWriter, parseJsonl } from '../../src/runs/jsonl';
import { JsonlTail } from '../../src/runs/tail';
import { JsonlFollower } from '../../src/runs/watch';
import { emptyFolder } from './processes';

const rowsOf = fc.array(
  fc.record({ step: fc.nat(), time: fc.nat(), name: fc.string({ unit: 'grapheme', maxLength: 12 }) }),
  { maxLength: 20 },
);

/** A reader that keeps what a curve would show. */
function reader(path: string): { rows: MetricsRow[]; resets: number; read(): void } {
  const tail = new JsonlTail(path, isMetricsRow);
  const state = {
    rows: [] as MetricsRow[],
    resets: 0,
    read(): void {
      for (let more = true; more;) {
        const event = tail.read();
        if (event?.reset) {
          state.rows = [];
          state.resets++;
        }
        state.rows.push(...(event?.rows ?? []));
        more = event?.more ?? false;
      }
    },
  };
  return state;
}

describe('JsonlTail', () => {
  it('gives the same rows however the bytes arrive', () => {
    const file = join(emptyFolder(), 'metrics.jsonl');
    fc.assert(
      fc.property(rowsOf, fc.array(fc.nat({ max: 400 }), { maxLength: 12 }), (rows, cuts) => {
        fs.rmSync(file, { force: true });
        const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
        const seen = reader(file);
        const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
        let at = 0;
        for (const end of ends) {
          fs.appendFileSync(file, bytes.subarray(at, end));
          at = end;
          seen.read();
          expect(seen.rows).toEqual(rows.slice(0, seen.rows.length));
        }
        expect(seen.rows).toEqual(rows);
        expect(seen.resets).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('ends with the rows of the file after any mixture of appends, cuts and reads', () => {
    const file = join(emptyFolder(), 'metrics.jsonl');
    const action = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant('cut' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant('reopen' as const) }),
      fc.record({ kind: fc.constant('read' as const) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        fs.rmSync(file, { force: true });
        let writer = new JsonlWriter(file);
        let offsets = [0];
        let time = 0;
        const seen = reader(file);
        for (const step of actions) {
          if (step.kind === 'append') {
            for (let n = 0; n < step.count; n++) {
              writer.append({ step: offsets.length, time: time++ });
              offsets.push(writer.offset);
            }
          } else if (step.kind === 'cut') {
            const keep = Math.floor(step.share * (offsets.length - 1));
            writer.truncateTo(offsets[keep] ?? 0);
            offsets = offsets.slice(0, keep + 1);
          } else if (step.kind === 'reopen') {
            writer.close();
            writer = new JsonlWriter(file);
          } else seen.read();
        }
        writer.close();
        seen.read();
        expect(seen.rows).toEqual(parseJsonl(fs.readFileSync(file), isMetricsRow).rows);
        expect(seen.rows).toHaveLength(offsets.length - 1);
      }),
      { numRuns: 60 },
    );
  });

  it('sees a replacement of the same or a greater length', () => {
    const file = join(emptyFolder(), 'metrics.jsonl');
    const seen = reader(file);
    replaceFile(file, '{"step":1,"time":1}\n');
    seen.read();
    replaceFile(file, '{"step":2,"time":2}\n{"step":3,"time":3}\n');
    seen.read();
    expect(seen.rows.map((row) => row.step)).toEqual([2, 3]);
    // In place, as a copying tool would do it.
    fs.writeFileSync(file, '{"step":4,"time":4}\n{"step":5,"time":5}\n{"step":6,"time":6}\n');
    seen.read();
    expect(seen.rows.map((row) => row.step)).toEqual([4, 5, 6]);
    fs.rmSync(file);
    seen.read();
    expect(seen.rows).toEqual([]);
    expect(seen.resets).toBe(3);
  });

  it('passes over bad lines and reads a row that is longer than a piece', () => {
    const file = join(emptyFolder(), 'metrics.jsonl');
    const long = { step: 2, time: 0, filler: 'x'.repeat(3_000_000) };
    fs.writeFileSync(
      file,
      `{"step":1,"time":0}\nnot json\n\n{"loss":3}\n${JSON.stringify(long)}\n{"step":3,"time":0}\n`,
    );
    const seen = reader(file);
    seen.read();
    expect(seen.rows.map((row) => row.step)).toEqual([1, 2, 3]);
  });

  it('hands a long file on in pieces', () => {
    const file = join(emptyFolder(), 'metrics.jsonl');
    const count = 60_000;
    fs.writeFileSync(
      file,
      Array.from({ length: count }, (_, step) => `{"step":${step},"time":123456789012}\n`).join(''),
    );
    const tail = new JsonlTail(file, isMetricsRow);
    const pieces: number[] = [];
    for (let event = tail.read(); event; event = event.more ? tail.read() : undefined) pieces.push(event.rows.length);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.reduce((sum, rows) => sum + rows, 0)).toBe(count);
    expect(tail.read()).toBeUndefined();
  });
});

describe('JsonlFollower', () => {
  for (const notify of [true, false]) {
    it(`hands rows on as they come, ${notify ? 'with' : 'without'} notifications`, async () => {
      const file = join(emptyFolder(), 'metrics.jsonl');
      const writer = new JsonlWriter(file);
      const steps: number[] = [];
      await new Promise<void>((resolve) => {
        const follower = new JsonlFollower(
          new JsonlTail(file, isMetricsRow),
          (event) => {
            steps.push(...event.rows.map((row) => row.step));
            if (steps.length < 3) writer.append({ step: steps.length + 1, time: 0 });
            else {
              follower.dispose();
              resolve();
            }
          },
          { notify, pollMs: 5 },
        );
        writer.append({ step: 1, time: 0 });
      });
      writer.close();
      expect(steps).toEqual([1, 2, 3]);
    });
  }
});
