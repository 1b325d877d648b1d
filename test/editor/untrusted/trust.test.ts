import * as assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';

describe('a workspace that is not trusted', () => {
  it('is what this window has open', () => {
    assert.equal(vscode.workspace.isTrusted, false);
  });
});
