import { isAbsolute, join, relative } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../config/errors';
import { isActive } from '../../runs/format';
import { visibleText } from '../../protocol/visible-text';
import type { EditorContext } from '../context';
import { core } from '../loading';
import type { KnownRun } from './run-library';
import { stateWords } from './run-words';
import { terminalText } from '../words';
import type { StageTarget } from './start';

const TYPE = 'align';
const POLL_MS = 250;
/** Exit codes as the command line has them: 0 done, 1 failed, 3 stopped on request. */
const STOPPED = 3;

/** Stages as VS Code tasks: the same runs, with their progress in a terminal. Ctrl+C stops the run. */
export function register(context: EditorContext): vscode.Disposable {
  return vscode.tasks.registerTaskProvider(TYPE, {
    provideTasks: async () =>
      (await context.experiments.read()).flatMap(({ document, outline }) => {
        const folder = vscode.workspace.getWorkspaceFolder(document.uri);
        if (!folder) return [];
        const config = relative(folder.uri.fsPath, document.uri.fsPath).replace(/\\/g, '/');
        return outline.map(({ name }) => makeTask(context, { type: TYPE, config, stage: name }, folder));
      }),
    resolveTask: (task) => {
      const { config, stage } = task.definition;
      const folder = typeof task.scope === 'object' ? task.scope : vscode.workspace.workspaceFolders?.[0];
      if (typeof config !== 'string' || typeof stage !== 'string' || !folder) return undefined;
      return makeTask(context, task.definition, folder);
    },
  });
}

function makeTask(
  context: EditorContext,
  definition: vscode.TaskDefinition,
  folder: vscode.WorkspaceFolder,
): vscode.Task {
  const config = String(definition.config);
  const stage = String(definition.stage);
  const target = { config: isAbsolute(config) ? config : join(folder.uri.fsPath, config), stage };
  const upstream = definition.upstream === true;
  const execution = new vscode.CustomExecution(async () => new RunTerminal(context, target, upstream));
  const task = new vscode.Task(definition, folder, `${config}: ${stage}`, TYPE, execution, []);
  task.detail = upstream ? `Run ${stage} with upstream` : `Run ${stage}`;
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated };
  return task;
}

/** A terminal that starts a stage and follows it in one line that updates in place. */
class RunTerminal implements vscode.Pseudoterminal {
  private readonly written = new vscode.EventEmitter<string>();
  private readonly ended = new vscode.EventEmitter<number>();
  private id: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private cancelled = false;

  readonly onDidWrite = this.written.event;
  readonly onDidClose = this.ended.event;

  constructor(
    private readonly context: EditorContext,
    private readonly target: StageTarget,
    private readonly upstream: boolean,
  ) {}

  open(): void {
    void this.run();
  }

  /** The terminal was closed: the run goes on. */
  close(): void {
    this.cancelled = true;
    clearTimeout(this.timer);
  }

  handleInput(data: string): void {
    if (data !== '\u0003') return;
    this.cancelled = true;
    const run = this.id === undefined ? undefined : this.context.runs.get(this.id);
    if (!run || !isActive(run.state)) return;
    this.line('Stopping after this step; a checkpoint is written.');
    core()
      .then(({ request }) => request(run.info.dir, 'stop'))
      .catch((error: unknown) => this.line(messageOf(error)));
  }

  private async run(): Promise<void> {
    try {
      const { staleUpstream, startStage, untilDone } = await core();
      const before = this.upstream ? await staleUpstream(this.target) : [];
      for (const stage of before) {
        this.line(`${stage}: started`);
        const dir = await startStage(this.context, { ...this.target, stage }, ({ id }) => (this.id = id));
        await untilDone(dir, () => this.cancelled);
        this.line(`${stage}: done`);
      }
      await startStage(this.context, this.target, ({ id }) => {
        this.id = id;
        this.line(id);
      });
      this.follow();
    } catch (error) {
      this.line(messageOf(error));
      this.ended.fire(1);
    }
  }

  private follow(): void {
    const run = this.id === undefined ? undefined : this.context.runs.get(this.id);
    if (run) this.written.fire(`\r\u001b[K${stateLine(run)}`);
    if (run && !isActive(run.state)) {
      this.line('');
      if (run.run.error) this.line([run.run.error.message, run.run.error.hint].filter(Boolean).join('\n'));
      this.ended.fire(run.state === 'done' ? 0 : run.state === 'stopped' ? STOPPED : 1);
      return;
    }
    this.timer = setTimeout(() => this.follow(), POLL_MS);
  }

  private line(text: string): void {
    this.written.fire(`${terminalText(text)}\r\n`);
  }
}

function stateLine(run: KnownRun): string {
  return visibleText(`${run.run.stage}  ${stateWords(run, Date.now())}`).replaceAll('\n', ' ');
}
