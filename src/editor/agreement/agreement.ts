import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { messageOf } from '../../config/errors';
import type { EditorContext } from '../context';
import { core } from '../loading';
import type { StageTarget } from '../runs/start';
import { asStage, pickStage } from '../runs/targets';

const SCHEME = 'align-agreement';

/** How well the annotators of a stage agree, as a readable document that follows their labels. */
export function register(context: EditorContext): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  return vscode.Disposable.from(
    changed,
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: async (uri) => {
        const { agreementText } = await core();
        const { config, stage } = targetOf(uri);
        try {
          return agreementText(stage, join(dirname(config), 'labels', stage));
        } catch (error) {
          return `# Agreement\n\n${messageOf(error)}\n`;
        }
      },
    }),
    context.labels.onChange(({ config, stage }) => {
      for (const { uri } of vscode.workspace.textDocuments) {
        if (uri.scheme !== SCHEME) continue;
        const shown = targetOf(uri);
        if (shown.config === config && shown.stage === stage) changed.fire(uri);
      }
    }),
    vscode.commands.registerCommand('alignment-lab.agreement', async (argument: unknown) => {
      const target = asStage(argument) ?? (await pickStage(context, 'Agreement of which stage?'));
      if (target) await vscode.commands.executeCommand('markdown.showPreview', uriOf(target));
    }),
  );
}

function uriOf({ config, stage }: StageTarget): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/Agreement of ${stage}.md`, query: JSON.stringify([config, stage]) });
}

function targetOf(uri: vscode.Uri): StageTarget {
  const [config, stage] = JSON.parse(uri.query) as [string, string];
  return { config, stage };
}
