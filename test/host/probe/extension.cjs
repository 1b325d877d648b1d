// A minimal extension: it tells a broken test host from a broken extension.
const vscode = require('vscode');
exports.activate = (context) => context.subscriptions.push(vscode.commands.registerCommand('probe.answer', () => 42));
