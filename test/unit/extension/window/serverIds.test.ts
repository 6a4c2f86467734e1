import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { editorServerIds } from '../../../../src/extension/window/serverIds.ts';
import { definition } from '../samples.ts';

const folders = ['/home/ann/web', '/home/ann/api/'];

describe("VS Code's own id of a server", () => {
  it('follows the place of the definition', () => {
    assert.deepEqual(editorServerIds(definition({ vscodeCollection: 'folder' }), folders), ['mcp.config.ws1.everything']);
    assert.deepEqual(editorServerIds(definition({ vscodeCollection: 'folder-dot-mcp' }), folders), ['workspace-dot-mcp.1.everything']);
    assert.deepEqual(editorServerIds(definition({ vscodeCollection: 'workspace-file' }), folders), ['mcp.config.workspace.everything']);
    assert.deepEqual(editorServerIds(definition({ vscodeCollection: 'user' }), folders), [
      'mcp.config.usrlocal.everything',
      'mcp.config.usrremote.everything',
    ]);
  });

  it('does not exist for folders that are not open, and for files that are not VS Code’s', () => {
    assert.deepEqual(editorServerIds(definition({ folder: '/elsewhere' }), folders), []);
    const { vscodeCollection: _, ...foreign } = definition();
    assert.deepEqual(editorServerIds(foreign, folders), []);
    const { folder: __, ...homeless } = definition();
    assert.deepEqual(editorServerIds(homeless, ['', '/x']), []);
  });
});
